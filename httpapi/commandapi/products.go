package commandapi

import (
	"context"

	catalogcommands "github.com/licenseledger/licenseledger/commands/catalog"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// RegisterProduct implements [StrictServerInterface].
func (s server) RegisterProduct(ctx context.Context, r RegisterProductRequestObject) (RegisterProductResponseObject, error) {
	if a := r.Body.SigningAlgorithm; a != nil && *a == "" { // the command takes an empty one for none
		return nil, problem.Field("signing_algorithm", "must be ed25519 or rsa2048")
	}
	command := catalogcommands.RegisterProduct{
		Code:                  r.Body.Code,
		Name:                  r.Body.Name,
		Platforms:             r.Body.Platforms,
		Algorithm:             catalog.Algorithm(api.Value(r.Body.SigningAlgorithm)),
		OfflineDays:           r.Body.OfflineDays,
		MaxMachinesPerLicense: r.Body.MaxMachinesPerLicense,
	}
	product, err := execute(ctx, commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}, s.Commands.Catalog.RegisterProduct, command)
	if err != nil {
		return nil, err
	}
	return RegisterProduct201JSONResponse{ProductRegisteredJSONResponse{
		Body:    present.Product(product),
		Headers: ProductRegisteredResponseHeaders(headersWithLocation("/v1/products/"+product.ID.String(), product.Outcome)),
	}}, nil
}

// RotateSigningKey implements [StrictServerInterface].
func (s server) RotateSigningKey(ctx context.Context, r RotateSigningKeyRequestObject) (RotateSigningKeyResponseObject, error) {
	request, err := commandHeaders{r.Params.IdempotencyKey, r.Params.IfMatch}.request(ctx)
	if err != nil {
		return nil, err
	}
	product, err := s.Commands.Catalog.RotateSigningKey(ctx, request, catalogcommands.RotateSigningKey{ProductID: r.ID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return RotateSigningKey200JSONResponse{ProductChangedJSONResponse{
		Body: present.Product(product), Headers: ProductChangedResponseHeaders(headers(product.Outcome)),
	}}, nil
}
