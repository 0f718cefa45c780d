package contracttest

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// closeSchemas forbids undocumented fields in every object. The document allows them, so that fields can be added to the API later. Tests
// must find fields that are missing in the document.
func closeSchemas(doc *openapi3.T) {
	for _, schema := range doc.Components.Schemas {
		merge(schema.Value)
	}
	for _, schema := range doc.Components.Schemas {
		closeObject(schema.Value)
	}
}

// merge replaces an allOf by one object with the fields of its parts.
func merge(s *openapi3.Schema) {
	if len(s.AllOf) < 2 {
		return
	}
	whole := openapi3.NewObjectSchema()
	whole.Description = s.Description
	for _, part := range s.AllOf {
		for name, property := range part.Value.Properties {
			whole.WithPropertyRef(name, property)
		}
		whole.Required = append(whole.Required, part.Value.Required...)
	}
	slices.Sort(whole.Required)
	*s = *whole // in place: references hold this schema
}

func closeObject(s *openapi3.Schema) {
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
}
