package catalog

import "github.com/licenseledger/licenseledger/domain/domainerr"

// The catalogue's refusals.
var (
	ErrProductNotFound = domainerr.New("NOT_FOUND", "there is no such product",
		"check the id or code; the list of products has them")
	ErrProductCodeTaken = domainerr.New("PRODUCT_CODE_TAKEN", "a product with this code exists already",
		"choose another code, or use the product that is there")
	ErrPlanNotFound = domainerr.New("NOT_FOUND", "there is no such plan",
		"check the id or code; the list of plans has them")
	ErrPlanCodeTaken = domainerr.New("PLAN_CODE_TAKEN", "the product has a plan with this code already",
		"choose another code, or revise the existing plan")
)
