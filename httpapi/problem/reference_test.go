package problem

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const (
	repository = "../.."
	reference  = repository + "/docs/errors.md"
)

func TestMain(m *testing.M) {
	update := flag.Bool("update", false, "write docs/errors.md")
	flag.Parse()
	if *update {
		text, err := errorReference()
		if err == nil {
			err = os.WriteFile(reference, []byte(text), 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	os.Exit(m.Run())
}

// TestTheReferenceOfErrorsIsCurrent fails when docs/errors.md does not say what the code says: then run make generate.
func TestTheReferenceOfErrorsIsCurrent(t *testing.T) {
	t.Parallel()
	expected, err := errorReference()
	require.NoError(t, err)
	written, err := os.ReadFile(reference)
	require.NoError(t, err)
	require.Equal(t, expected, string(written), "run make generate")
}

func TestEveryCodeIsInTheContractAndTheReverse(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(repository + "/httpapi/openapi.yaml")
	require.NoError(t, err)
	var document struct {
		Components struct {
			Schemas struct {
				ProblemCode struct{ Enum []string } `yaml:"ProblemCode"`
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &document))
	require.ElementsMatch(t, slices.Collect(maps.Keys(documented())), document.Components.Schemas.ProblemCode.Enum)
}

// documented are the codes that a client can get.
func documented() map[string]status {
	all := maps.Clone(statusByCode)
	delete(all, errClientGone.Code)
	return all
}

// said is one message of a code, with the hint that goes with it.
type said struct{ message, hint string }

func errorReference() (string, error) {
	messages, err := declared()
	if err != nil {
		return "", err
	}
	var page strings.Builder
	page.WriteString(`# Errors

<!-- Generated from the Go code by ` + "`make generate`" + `. Do not edit. -->

Every refusal and failure is a problem document (RFC 9457). Its ` + "`code`" + ` is stable: compare codes, never texts. ` + "`detail`" + ` says what happened and
` + "`hint`" + ` what to do; the texts below are those of the code, and a detail may name values. ` + "`correlation_id`" + ` finds the request in the log.

`)
	byStatus := slices.SortedFunc(maps.Keys(documented()), func(a, b string) int {
		if d := statusByCode[a].code - statusByCode[b].code; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, code := range byStatus {
		s := statusByCode[code]
		fmt.Fprintf(&page, "## %s\n\n%d %s", code, s.code, s.title)
		if s.retryAfter > 0 {
			fmt.Fprintf(&page, ". `Retry-After: %d`", s.retryAfter)
		}
		page.WriteString(".\n\n")
		for _, m := range messages[code] {
			fmt.Fprintf(&page, "- %s\n  - *%s*\n", sentence(m.message), sentence(m.hint))
		}
		if len(messages[code]) > 0 {
			page.WriteString("\n")
		}
	}
	return strings.TrimRight(page.String(), "\n") + "\n", nil
}

// sentence writes a text of the code as a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// declared reads every domainerr.New(code, message, hint) of the repository, in the order of the files.
func declared() (map[string][]said, error) {
	all := map[string][]said{
		invalidRequest: {{"the request is malformed; errors names the fields", "correct the fields named in errors and send the request again"}},
	}
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != repository && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 3 {
				return true
			}
			if name, ok := call.Fun.(*ast.SelectorExpr); !ok || name.Sel.Name != "New" || fmt.Sprint(name.X) != "domainerr" {
				return true
			}
			var texts [3]string
			for i, arg := range call.Args {
				if texts[i], ok = literalText(arg); !ok {
					return true
				}
			}
			s := said{texts[1], texts[2]}
			if texts[1] != "" && !slices.Contains(all[texts[0]], s) {
				all[texts[0]] = append(all[texts[0]], s)
			}
			return true
		})
		return nil
	})
	return all, err
}

// literalText returns the text of a literal, or of several that are added.
func literalText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := literalText(e.X)
		right, also := literalText(e.Y)
		return left + right, ok && also
	default:
		return "", false
	}
}
