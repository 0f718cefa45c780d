package licenses_test

import (
	"testing"

	"github.com/licenseledger/licenseledger/readmodels/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
