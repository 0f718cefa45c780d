package upgrade

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The files of a fixture.
const (
	DataFile    = "data.tar.gz"     // the data directory after a clean stop
	DumpFile    = "dump.sql.gz"     // the PostgreSQL database, when the ledger is in one
	AnswersFile = "answers.json.gz" // what the version answered that wrote it
)

// Answers are what the version that wrote a ledger answered when it opened the ledger again.
type Answers struct {
	Head     uint64     `json:"head"`     // the position of the last event in the ledger as it is kept
	Opened   uint64     `json:"opened"`   // the position after time had its effect on the opened ledger
	Queries  []Exchange `json:"queries"`  // what was shown, verdicts included
	Commands []Exchange `json:"commands"` // every command, with the answer to its repetition
}

// Exchange is a request and its answer.
type Exchange struct {
	Name    string            `json:"name"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Admin   bool              `json:"admin"` // the admin key is sent
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
	Answer  Answer            `json:"answer"`
}

// Answer is what the server says to a request.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"` // those that clients rely on
	Body    json.RawMessage   `json:"body"`
}

// ReadAnswers reads the answers from the folder of a fixture.
func ReadAnswers(dir string) (a Answers, err error) {
	file, err := os.Open(filepath.Join(dir, AnswersFile)) //nolint:gosec // the folder is the caller's
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err := gzip.NewReader(file)
	if err != nil {
		return a, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	return a, json.NewDecoder(text).Decode(&a)
}

// Write writes the answers to the folder of a fixture.
func (a Answers) Write(dir string) (err error) {
	file, err := os.Create(filepath.Join(dir, AnswersFile)) //nolint:gosec // the folder is the caller's
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text := gzip.NewWriter(file)
	encoder := json.NewEncoder(text)
	encoder.SetIndent("", " ")
	return errors.Join(encoder.Encode(a), text.Close())
}
