package projections_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

const day = 24 * time.Hour

var (
	productID, planID, subjectID, licenseID = id(2), id(3), id(4), id(1)
	licenseStream                           = license.StreamName(licenseID)
	productStream                           = catalog.ProductStream(productID)
	planStream                              = catalog.PlanStream(planID)
)

func ptr[T any](v T) *T { return &v }

func signingKey(n int) catalog.SigningKey {
	return catalog.SigningKey{ID: fmt.Sprintf("key-%d", n), Algorithm: catalog.Ed25519, Public: []byte{1, 2, byte(n)}}
}

func registered() catalog.ProductRegistered {
	return catalog.ProductRegistered{ProductID: productID, Code: "acme-cad", Name: "Acme CAD", Platforms: []string{"linux", "windows"},
		OfflineDays: 3, MaxMachinesPerLicense: ptr(10), SigningKey: signingKey(1), RegisteredAt: noon}
}

func terms() catalog.Terms {
	return catalog.Terms{Name: "Professional", Type: catalog.Professional, MaxMachines: 3, ValidityDays: ptr(365),
		Features: catalog.Features{"tier": "gold", "export": true, "limit": 12.5}, Price: &catalog.Price{Minor: 19900,
			Currency: "EUR"}}.WithDefaults()
}

func published() catalog.PlanPublished {
	return catalog.PlanPublished{PlanID: planID, ProductID: productID, Code: "pro", Terms: terms(), PublishedAt: noon}
}

func issued(changes ...func(*license.Issued)) license.Issued {
	e := license.Issued{
		LicenseID: licenseID, Serial: 7, ProductID: productID, ProductCode: "acme-cad", PlanID: planID, PlanCode: "pro", PlanRevision: 2,
		Policy: license.Policy{PlanType: catalog.Professional, PlanMaxMachines: 3, ValidityDays: ptr(365), ValidityStarts: catalog.AtIssue,
			OfflineDays: 3, FingerprintMatch: machine.MatchMost, MaxRebinds: ptr(2), RebindWindowDays: 30,
			Features: catalog.Features{"tier": "gold", "export": true}},
		SubjectID: subjectID, Customer: sealCustomer(subjectID, "Ada Lovelace", "ada.l@Example.com"),
		Metadata: map[string]string{"order": "PO-4711"}, IssuedAt: noon, ExpiresAt: ptr(noon.Add(365 * day)),
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

func bindingID(n int) uuid.UUID    { return id(1000 + n) }
func activationID(n int) uuid.UUID { return id(2000 + n) }

func print(n int) machine.Fingerprint { return machine.Fingerprint(fmt.Sprintf("%064x", 0xabc000+n)) }

func bound(n, seats int) binding.MachineBound {
	return binding.MachineBound{BindingID: bindingID(n), Fingerprint: print(n), OS: "linux/amd64",
		Name: seal(subjectID, fmt.Sprintf("host-%d", n)), SeatsUsed: seats, BoundAt: noon}
}

func granted(n int, until time.Time) activation.Granted {
	return activation.Granted{ActivationID: activationID(n), BindingID: bindingID(n), Fingerprint: print(n), KeyID: "key-1",
		GrantedAt: noon, ExpiresAt: until}
}
