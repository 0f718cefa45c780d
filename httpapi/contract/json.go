package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// generatorOnly is the prefix of fields that only the code generator reads.
const generatorOnly = "x-go-"

// toJSON converts a YAML document into JSON. It keeps the order of fields, and drops those that only the code generator reads.
func toJSON(node *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	err := writeJSON(&out, node)
	return out.Bytes(), err
}

func writeJSON(out *bytes.Buffer, node *yaml.Node) error {
	switch node.Kind {
	case yaml.DocumentNode:
		return writeJSON(out, node.Content[0])
	case yaml.MappingNode:
		return writeObject(out, node.Content)
	case yaml.SequenceNode:
		return writeArray(out, node.Content)
	case yaml.ScalarNode:
		return writeScalar(out, node)
	case yaml.AliasNode:
	}
	return fmt.Errorf("line %d: aliases are not understood", node.Line)
}

func writeObject(out *bytes.Buffer, content []*yaml.Node) error {
	out.WriteByte('{')
	first := true
	for i := 0; i < len(content); i += 2 {
		if strings.HasPrefix(content[i].Value, generatorOnly) {
			continue
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		name, err := json.Marshal(content[i].Value)
		if err != nil {
			return err
		}
		out.Write(name)
		out.WriteByte(':')
		if err := writeJSON(out, content[i+1]); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

func writeArray(out *bytes.Buffer, content []*yaml.Node) error {
	out.WriteByte('[')
	for i, item := range content {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeJSON(out, item); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	return nil
}

func writeScalar(out *bytes.Buffer, node *yaml.Node) error {
	var value any
	if node.Tag == "!!timestamp" {
		value = node.Value // an example such as 2024-08-15 is text
	} else if err := node.Decode(&value); err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	out.Write(text)
	return nil
}
