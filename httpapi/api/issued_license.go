package api

// LicenseWithKey is a licence together with its key, side by side in one object.
type LicenseWithKey struct {
	License
	Key LicenseKey `json:"key"`
}
