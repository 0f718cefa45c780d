// Command bundle makes the contract, httpapi/openapi.yaml, from its sources:
//
//	openapi.yaml           what is common to all resources
//	paths/<tag>.yaml       the operations of a tag, for each tag in the order of openapi.yaml
//	schemas/*.yaml         the schemas, with common.yaml first
//	responses.yaml         the answers that operations share
//
// It adds the problems that an operation can be answered with, as far as they follow from what the operation says; x-errors lists
// the others. And it adds the Go types of schemas that may be null.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: bundle <folder of the sources> <file to write>")
	}
	text, err := bundle(os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[2], text, 0o644) //nolint:gosec // a source file, for everybody to read
	}
	if err != nil {
		log.Fatal(err)
	}
}

const header = "# Made by `make generate` from httpapi/openapi. Do not edit.\n"

func bundle(folder string) ([]byte, error) {
	document, err := read(filepath.Join(folder, "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	components := member(document, "components")
	paths := &yaml.Node{Kind: yaml.MappingNode}
	for _, tag := range member(document, "tags").Content {
		file := filepath.Join(folder, "paths", strings.ToLower(member(tag, "name").Value)+".yaml")
		of, err := read(file)
		if err != nil {
			return nil, err
		}
		if err := addErrors(of); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		paths.Content = append(paths.Content, of.Content...)
	}
	responses, err := read(filepath.Join(folder, "responses.yaml"))
	if err != nil {
		return nil, err
	}
	schemas, err := readAll(filepath.Join(folder, "schemas"))
	if err != nil {
		return nil, err
	}
	nameReferences(schemas)
	set(components, "responses", responses)
	set(components, "schemas", schemas)
	// Paths stand before components, as readers expect.
	last := document.Content[len(document.Content)-2:]
	document.Content = slices.Concat(document.Content[:len(document.Content)-2], []*yaml.Node{scalar("paths"), paths}, last)
	var out bytes.Buffer
	out.WriteString(header)
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err = errors.Join(encoder.Encode(document), encoder.Close())
	return out.Bytes(), err
}

// problems are the answers by their statuses.
var problems = map[string]string{
	"400": "InvalidRequest", "401": "Unauthenticated", "403": "Forbidden", "404": "NotFound", "408": "RequestTimeout",
	"409": "Conflict", "412": "PreconditionFailed",
	"413": "BodyTooLarge", "415": "UnsupportedMediaType", "422": "Refused", "429": "TooManyStreams", "500": "Internal", "503": "Unavailable",
}

// addErrors adds the problems to every operation of the API. Those of the server's own endpoints are described in place.
func addErrors(paths *yaml.Node) error {
	for i := 1; i < len(paths.Content); i += 2 {
		item := paths.Content[i]
		for _, method := range []string{"get", "post", "put", "patch", "delete"} {
			operation := member(item, method)
			if operation == nil || member(operation, "x-side").Value == "system" {
				continue
			}
			statuses, err := errorsOf(operation)
			if err != nil {
				return fmt.Errorf("%s %s: %w", method, paths.Content[i-1].Value, err)
			}
			responses := member(operation, "responses")
			for _, status := range statuses {
				ref := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{
					scalar("$ref"), quoted("#/components/responses/" + problems[status]),
				}}
				responses.Content = append(responses.Content, quoted(status), ref)
			}
		}
	}
	return nil
}

// errorsOf returns the statuses of the problems of an operation, in order.
func errorsOf(operation *yaml.Node) ([]string, error) {
	statuses := []string{"400", "500", "503"}
	security := member(operation, "security")
	switch {
	case security == nil: // the document's: an API key
		statuses = append(statuses, "401", "403")
	case len(security.Content) > 0: // an API key, or a licence key in the body
		statuses = append(statuses, "401")
	}
	if member(operation, "requestBody") != nil {
		statuses = append(statuses, "408", "413", "415", "422")
	}
	if parameters := member(operation, "parameters"); parameters != nil {
		for _, p := range parameters.Content {
			if ref := member(p, "$ref"); ref != nil && strings.HasSuffix(ref.Value, "/IfMatch") {
				statuses = append(statuses, "412")
			}
		}
	}
	if others := member(operation, "x-errors"); others != nil {
		for _, status := range others.Content {
			if problems[status.Value] == "" || slices.Contains(statuses, status.Value) {
				return nil, fmt.Errorf("x-errors: %s is unknown, or follows from the rest of the operation", status.Value)
			}
			statuses = append(statuses, status.Value)
		}
		remove(operation, "x-errors")
	}
	slices.Sort(statuses)
	return statuses, nil
}

// nameReferences says for every schema that is another one or null which Go type it has. The generator would make a type of its own.
func nameReferences(node *yaml.Node) {
	if either := member(node, "oneOf"); either != nil && len(either.Content) == 1 {
		ref := member(either.Content[0], "$ref").Value
		set(node, "x-go-type", scalar(ref[strings.LastIndexByte(ref, '/')+1:]))
	}
	for _, below := range node.Content {
		nameReferences(below)
	}
}

// read returns the mapping in a file.
func read(path string) (*yaml.Node, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a source file, named on the command line
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: must be a mapping", path)
	}
	return root.Content[0], nil
}

// readAll returns the mappings of all files of a folder as one: common.yaml first, then the others by name.
func readAll(folder string) (*yaml.Node, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(files, func(a, b string) int {
		return rank(a) - rank(b)
	})
	all := &yaml.Node{Kind: yaml.MappingNode}
	for _, file := range files {
		of, err := read(file)
		if err != nil {
			return nil, err
		}
		all.Content = append(all.Content, of.Content...)
	}
	return all, nil
}

func rank(file string) int {
	if filepath.Base(file) == "common.yaml" {
		return 0
	}
	return 1
}

// member returns the value of a mapping's member, nil when it has none of the name.
func member(mapping *yaml.Node, name string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	return nil
}

func set(mapping *yaml.Node, name string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, scalar(name), value)
}

func remove(mapping *yaml.Node, name string) {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func quoted(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text, Style: yaml.SingleQuotedStyle}
}
