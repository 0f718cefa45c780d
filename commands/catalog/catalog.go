// Package catalog carries out the commands on products and their plans.
package catalog

import (
	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
)

// Commands are the commands of the catalogue.
type Commands struct {
	RegisterProduct  runtime.Command[RegisterProduct, Product]
	RotateSigningKey runtime.Command[RotateSigningKey, Product]
	PublishPlan      runtime.Command[PublishPlan, Plan]
	RevisePlan       runtime.Command[RevisePlan, Plan]

	products *runtime.Repository[catalog.Product]
	plans    *runtime.Repository[catalog.Plan]
	keyring  *keyring.Keyring
}

// Product is a product as a command left it.
type Product struct {
	*catalog.Product
	runtime.Outcome
}

// Plan is a plan as a command left it.
type Plan struct {
	*catalog.Plan
	runtime.Outcome
}

// New declares the commands.
func New(products *runtime.Repository[catalog.Product], plans *runtime.Repository[catalog.Plan], keys *keyring.Keyring) *Commands {
	c := &Commands{products: products, plans: plans, keyring: keys}
	r := products.Runtime
	c.RegisterProduct = runtime.Declare(r, runtime.Declaration{
		Name: "RegisterProduct", Permission: access.ProductRegister, Aggregate: products.Prefix, Idempotency: runtime.ByKey,
	}, c.registerProduct)
	c.RotateSigningKey = runtime.Declare(r, runtime.Declaration{
		Name: "RotateSigningKey", Permission: access.SigningKeyRotate, Aggregate: products.Prefix, Idempotency: runtime.ByKey,
	}, c.rotateSigningKey)
	c.PublishPlan = runtime.Declare(r, runtime.Declaration{
		Name: "PublishPlan", Permission: access.PlanPublish, Aggregate: plans.Prefix, Idempotency: runtime.ByKey,
	}, c.publishPlan)
	c.RevisePlan = runtime.Declare(r, runtime.Declaration{
		Name: "RevisePlan", Permission: access.PlanRevise, Aggregate: plans.Prefix, Idempotency: runtime.ByKey,
	}, c.revisePlan)
	return c
}
