package keyring_test

import (
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/keyring"
)

// A client checks its certificate without contact to the server: it needs the product's key set, and the time.
func ExampleVerify() {
	keySet, err := os.ReadFile("testdata/jwks.golden")
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.ReadFile("testdata/certificate_ed25519.golden")
	if err != nil {
		log.Fatal(err)
	}
	token := strings.Split(string(file), "\n")[2]

	certificate, err := keyring.Verify(token, keySet, time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))
	fmt.Println(certificate.ProductCode, certificate.ExpiresAt.Format(time.DateOnly), err)
	_, err = keyring.Verify(token, keySet, time.Date(2027, 3, 3, 12, 0, 0, 0, time.UTC))
	fmt.Println(err)

	// Output:
	// acme-cad 2026-03-04 <nil>
	// the certificate has expired
}
