package api

// LicenseWithKey is a licence and its key in one object.
type LicenseWithKey struct {
	License
	Key LicenseKey `json:"key"`
}
