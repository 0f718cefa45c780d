package contracttest

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// closeSchemas makes every object refuse members that it does not document. To clients the document leaves answers open, so
// that members can be added; a test wants to see those that were forgotten.
func closeSchemas(doc *openapi3.T) {
	for _, schema := range doc.Components.Schemas {
		merge(schema.Value)
	}
	for _, schema := range doc.Components.Schemas {
		closeObject(schema.Value)
	}
}

// merge writes an object that is put together from several as one.
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
