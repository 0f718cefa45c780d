package access

import "slices"

// Permission names one thing that a principal may be allowed to do, as "resource.action". The zero value is held by nobody.
type Permission string

// The permissions. Every command and every query needs exactly one.
const (
	ProductRegister  Permission = "product.register"
	ProductRead      Permission = "product.read"
	SigningKeyRotate Permission = "signing_key.rotate"
	SigningKeyRead   Permission = "signing_key.read" // public keys only
	PlanPublish      Permission = "plan.publish"
	PlanRevise       Permission = "plan.revise"
	PlanRead         Permission = "plan.read"

	LicenseIssue      Permission = "license.issue"
	LicenseRead       Permission = "license.read"
	LicenseSuspend    Permission = "license.suspend"
	LicenseReinstate  Permission = "license.reinstate"
	LicenseRenew      Permission = "license.renew"
	LicenseRevoke     Permission = "license.revoke"
	LicenseUndoExpiry Permission = "license.undo_expiry"
	LicenseReissueKey Permission = "license.reissue_key"
	LicenseRecordDue  Permission = "license.record_due" // what the passage of time brings about
	LicenseValidate   Permission = "license.validate"

	MachineActivate  Permission = "machine.activate"
	MachineHeartbeat Permission = "machine.heartbeat"
	MachineRelease   Permission = "machine.release"
	MachineRebind    Permission = "machine.rebind"
	MachineRead      Permission = "machine.read"

	HistoryRead       Permission = "history.read"
	LedgerRead        Permission = "ledger.read"
	ProjectionRead    Permission = "projection.read"
	ProjectionRebuild Permission = "projection.rebuild"
)

// Role names a set of permissions.
type Role string

// The roles.
const (
	// Admin may do everything within its tenant.
	Admin Role = "admin"
	// Machine holds a licence key. It may use that licence and nothing else.
	Machine Role = "machine"
	// System is the program itself.
	System Role = "system"
)

// roles is the only place that says what a role may do.
var roles = map[Role][]Permission{
	Admin: {
		ProductRegister, ProductRead, SigningKeyRotate, SigningKeyRead, PlanPublish, PlanRevise, PlanRead,
		LicenseIssue, LicenseRead, LicenseSuspend, LicenseReinstate, LicenseRenew, LicenseRevoke, LicenseUndoExpiry,
		LicenseReissueKey, LicenseValidate,
		MachineActivate, MachineHeartbeat, MachineRelease, MachineRebind, MachineRead,
		HistoryRead, LedgerRead, ProjectionRead, ProjectionRebuild,
	},
	Machine: {SigningKeyRead, LicenseValidate, MachineActivate, MachineHeartbeat, MachineRelease, MachineRebind},
	System:  {LicenseRecordDue},
}

// Has reports whether a role has a permission.
func (r Role) Has(p Permission) bool { return slices.Contains(roles[r], p) }

// Known reports whether some role has the permission.
func (p Permission) Known() bool {
	for _, has := range roles {
		if slices.Contains(has, p) {
			return true
		}
	}
	return false
}

// Permissions lists what a role may do.
func (r Role) Permissions() []Permission { return slices.Clone(roles[r]) }

// Roles lists all roles.
func Roles() []Role { return []Role{Admin, Machine, System} }
