package formats

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema is a JSON Schema: draft 2020-12, or which its $schema says. References lead to
// places within it, or to the drafts' own schemas; nothing is ever fetched.
type Schema struct {
	validators sync.Pool // *validator
}

// The bounds of what a schema is asked.
const (
	maxDocument = 4 << 20 // bytes of a document
	maxDigits   = 1000    // of a number in it, written out
)

// stepsForByte is how much of a schema may be applied to a document for each byte of it: a schema
// that refers to itself in two ways takes a time that doubles with each level of a document.
const (
	stepsForByte = 64
	maxSteps     = 1 << 23 // some seconds
)

// NewSchema compiles a schema.
func NewSchema(text string) (*Schema, error) {
	first, err := newValidator(text)
	if err != nil {
		return nil, err
	}
	s := &Schema{}
	s.validators.Put(first)
	s.validators.New = func() any {
		v, err := newValidator(text)
		if err != nil {
			panic(err) // it has been compiled before
		}
		return v
	}
	return s, nil
}

// Matches reports whether a text is JSON that the schema allows. An error says that it is too
// much to tell.
func (s *Schema) Matches(text string) (bool, error) {
	if len(text) > maxDocument {
		return false, fmt.Errorf("a document of %d bytes; a JSON schema takes at most %d", len(text), maxDocument)
	}
	if !JSON(text) {
		return false, nil
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return false, nil //nolint:nilerr // it is no JSON
	}
	if err := numbers(doc); err != nil {
		return false, err
	}
	v := s.validators.Get().(*validator)
	defer s.validators.Put(v)
	return v.validate(doc, min(stepsForByte*(len(text)+maxDigits), maxSteps))
}

var errSteps = errors.New("the JSON schema takes too long for this document: it refers to itself in several ways")

// validator is a compiled schema that counts its steps, for one document at a time.
type validator struct {
	schema *jsonschema.Schema
	left   int // steps
}

func newValidator(text string) (*validator, error) {
	if !JSON(text) {
		return nil, errors.New("the schema is no JSON")
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the schema is no JSON: %w", err)
	}
	if err := errors.Join(numbers(doc), references(doc)); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(nowhere{})
	const here = "schema:///it"
	if err := c.AddResource(here, doc); err != nil {
		return nil, err
	}
	v := &validator{}
	if v.schema, err = c.Compile(here); err != nil {
		return nil, schemaError(err)
	}
	v.countIn(reflect.ValueOf(v.schema), map[*jsonschema.Schema]bool{})
	return v, nil
}

// references gives an error if a schema has references that depend on where they were come
// from: countIn can't see where they lead.
func references(value any) error {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			if _, ok := v.(string); ok && (key == "$dynamicRef" || key == "$recursiveRef") {
				return fmt.Errorf("the schema has a %s: only $ref is possible", key)
			}
			if err := references(v); err != nil {
				return err
			}
		}
	case []any:
		for _, v := range value {
			if err := references(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// nowhere loads nothing.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("the schema refers to %s: only places within it are possible, like #/$defs/name", strings.TrimPrefix(url, "schema:///"))
}

// schemaError says in one line what is wrong with a schema.
func schemaError(err error) error {
	var load *jsonschema.LoadURLError
	if errors.As(err, &load) {
		return load.Err
	}
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		for line := range strings.Lines(invalid.Err.Error()) {
			if line = strings.Trim(line, " -\n"); strings.HasPrefix(line, "at ") && !strings.HasSuffix(line, " failed") {
				return errors.New("the JSON schema is not one: " + line)
			}
		}
	}
	return fmt.Errorf("the JSON schema is not one: %s", strings.ReplaceAll(err.Error(), "schema:///it", ""))
}

// countIn makes every schema within a value count a step when it is applied. The place where it
// can do so is its format, which is looked at before anything below it is.
func (v *validator) countIn(at reflect.Value, seen map[*jsonschema.Schema]bool) {
	if !at.IsValid() || !at.CanInterface() {
		return
	}
	if s, ok := at.Interface().(*jsonschema.Schema); ok {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		v.count(s)
	}
	switch at.Kind() {
	case reflect.Pointer, reflect.Interface:
		v.countIn(at.Elem(), seen)
	case reflect.Struct:
		for i := range at.NumField() {
			v.countIn(at.Field(i), seen)
		}
	case reflect.Slice:
		for i := range at.Len() {
			v.countIn(at.Index(i), seen)
		}
	case reflect.Map:
		for it := at.MapRange(); it.Next(); {
			v.countIn(it.Value(), seen)
		}
	}
}

func (v *validator) count(s *jsonschema.Schema) {
	format := jsonschema.Format{}
	if s.Format != nil {
		format = *s.Format
	}
	check := format.Validate
	format.Validate = func(value any) error {
		if v.left -= sizeOf(value); v.left < 0 {
			panic(errSteps)
		}
		if check == nil {
			return nil
		}
		return check(value)
	}
	s.Format = &format
}

// sizeOf is how many steps it takes to look at a value without what is below.
func sizeOf(value any) int {
	switch value := value.(type) {
	case map[string]any:
		return 1 + len(value)
	case []any:
		return 1 + len(value)
	}
	return 1
}

func (v *validator) validate(doc any, steps int) (ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			ok, err = false, fmt.Errorf("the JSON schema can't be applied: %v", p)
			if stopped, is := p.(error); is && errors.Is(stopped, errSteps) {
				err = errSteps
			}
		}
	}()
	v.left = steps
	return v.schema.Validate(doc) == nil, nil
}

// numbers gives an error if a number in a document would take too many digits to be written
// out, for a schema calculates with it exactly.
func numbers(value any) error {
	switch value := value.(type) {
	case json.Number:
		_, exponent, _ := strings.Cut(strings.ToLower(string(value)), "e")
		n, err := strconv.Atoi(exponent)
		if exponent != "" && err != nil || len(value) > maxDigits || n > maxDigits || n < -maxDigits {
			return fmt.Errorf("a number of more than %d digits", maxDigits)
		}
	case []any:
		for _, v := range value {
			if err := numbers(v); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, v := range value {
			if err := numbers(v); err != nil {
				return err
			}
		}
	}
	return nil
}
