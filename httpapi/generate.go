package httpapi

//go:generate go run ./openapi/bundle openapi openapi.yaml
//go:generate oapi-codegen --config=codegen/api.yaml openapi.yaml
//go:generate oapi-codegen --config=codegen/client.yaml openapi.yaml
//go:generate oapi-codegen --config=codegen/commands.yaml openapi.yaml
//go:generate oapi-codegen --config=codegen/queries.yaml openapi.yaml
