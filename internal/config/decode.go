package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-data/penstock/pipeline"
)

// decoder turns nodes into a pipeline, and gathers all problems on the way.
type decoder struct {
	file    string
	options Options
	params  map[string]string
	stage   string // the stage that is being read
	pasts   []past
	ledgers []ledger
	errs    pipeline.Errors
	named   []pipeline.Text // what is in the files that the pipeline file names
}

func (d *decoder) fail(at pipeline.Pos, format string, args ...any) {
	d.errs = append(d.errs, &pipeline.Error{Kind: pipeline.Invalid, At: at, Stage: d.stage, Msg: fmt.Sprintf(format, args...)})
}

// object checks that n is a mapping with the fields of o, and no others.
func (d *decoder) object(n *node, o *object) bool {
	if n.kind != mapping {
		d.fail(n.pos, "%s: expected a mapping, found %s", o.name, n.kind)
		return false
	}
	var meant []string // by keys that are misspelt
	for _, key := range n.keys {
		if !slices.Contains(o.names(), key.text) {
			meant = append(meant, pipeline.Nearest(key.text, o.names()))
			d.fail(key.pos, "%s", pipeline.Unknown("field", key.text, o.names()))
		}
	}
	for _, f := range o.fields {
		if f.required && n.get(f.name) == nil && !slices.Contains(meant, f.name) {
			d.fail(n.pos, "the %s has no %q", o.name, f.name)
		}
	}
	if o.choice != nil && !slices.ContainsFunc(meant, func(name string) bool { return slices.Contains(o.choice, name) }) {
		d.exactlyOne(n, o.name, o.choice)
	}
	return true
}

// exactlyOne gives the one of the names that the mapping has.
func (d *decoder) exactlyOne(n *node, what string, names []string) (string, *node) {
	var found []string
	for _, key := range n.keys {
		if slices.Contains(names, key.text) {
			found = append(found, key.text)
		}
	}
	switch len(found) {
	case 0:
		d.fail(n.pos, "%s: one of %s is needed", what, pipeline.Several(names))
	case 1:
		return found[0], n.get(found[0])
	default:
		d.fail(n.pos, "%s: only one of %s can stand here", what, strings.Join(found, ", "))
	}
	return "", nil
}

// text is a scalar with its parameters resolved; "" if n is nil.
func (d *decoder) text(n *node, what string) string {
	if n == nil {
		return ""
	}
	switch n.kind {
	case scalar, number, boolean:
		return d.expand(n)
	}
	d.fail(n.pos, "%s: expected a text, found %s", what, n.kind)
	return ""
}

// oneOf is a text among choices.
func (d *decoder) oneOf(n *node, f field) string {
	text := d.text(n, f.name)
	if n != nil && text != "" && !slices.Contains(f.choices, text) {
		d.fail(n.pos, "%s: %s", f.name, pipeline.Unknown("choice", text, f.choices))
	}
	return text
}

// texts is a list of texts; a single one stands for a list of one.
func (d *decoder) texts(n *node, what string) []string {
	if n == nil {
		return nil
	}
	if n.kind != sequence {
		if n.kind == mapping || n.kind == nothing {
			d.fail(n.pos, "%s: expected a list of names, found %s", what, n.kind)
			return nil
		}
		return []string{d.text(n, what)}
	}
	var all []string
	for _, v := range n.values {
		all = append(all, d.text(v, what))
	}
	return all
}

// pair is an entry of a mapping, in the order of the file.
type pair struct {
	key   *node
	value *node
}

func (d *decoder) pairs(n *node, what string) []pair {
	if n == nil {
		return nil
	}
	if n.kind != mapping {
		d.fail(n.pos, "%s: expected a mapping, found %s", what, n.kind)
		return nil
	}
	var all []pair
	for i, key := range n.keys {
		all = append(all, pair{key, n.values[i]})
	}
	return all
}

// texted is a mapping of names to texts.
func (d *decoder) texted(n *node, what string) map[string]string {
	all := map[string]string{}
	for _, p := range d.pairs(n, what) {
		all[p.key.text] = d.text(p.value, what)
	}
	return all
}

func (d *decoder) bool(n *node, what string, otherwise bool) bool {
	if n == nil {
		return otherwise
	}
	if n.kind != boolean {
		d.fail(n.pos, "%s: expected true or false, found %s", what, n.kind)
		return otherwise
	}
	return n.text == "true" || n.text == "True" || n.text == "TRUE"
}

func (d *decoder) int(n *node, what string, otherwise int64) int64 {
	if n == nil {
		return otherwise
	}
	v, err := strconv.ParseInt(strings.ReplaceAll(d.text(n, what), "_", ""), 10, 64)
	if err != nil {
		d.fail(n.pos, "%s: expected a whole number, found %s", what, describe(n))
		return otherwise
	}
	return v
}

func (d *decoder) float(n *node, what string) float64 {
	if n == nil {
		return 0
	}
	v, err := strconv.ParseFloat(d.text(n, what), 64)
	if err != nil {
		d.fail(n.pos, "%s: expected a number, found %s", what, describe(n))
	}
	return v
}

// value is a scalar as Go has it: string, int64, float64, bool, nil.
func (d *decoder) value(n *node, what string) any {
	switch n.kind {
	case nothing:
		return nil
	case boolean:
		return d.bool(n, what, false)
	case number:
		if i, err := strconv.ParseInt(n.text, 10, 64); err == nil {
			return i
		}
		return d.float(n, what)
	}
	return d.text(n, what)
}

func describe(n *node) string {
	if n.text != "" {
		return strconv.Quote(n.text)
	}
	return string(n.kind)
}

// expand replaces ${name} and ${env:NAME} in a text.
func (d *decoder) expand(n *node) string {
	var b strings.Builder
	rest := n.text
	for {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			d.fail(n.pos, "\"${\" without \"}\"")
			return n.text
		}
		b.WriteString(d.param(n, name))
		rest = tail
	}
}

func (d *decoder) param(n *node, name string) string {
	if v, ok := d.params[name]; ok {
		return v
	}
	variable, isEnv := strings.CutPrefix(name, "env:")
	if !isEnv {
		d.fail(n.pos, "%s", pipeline.Unknown("parameter", name, sortedKeys(d.params)))
		return ""
	}
	if d.options.Env != nil {
		if v, ok := d.options.Env(variable); ok {
			return v
		}
	}
	d.fail(n.pos, "the variable %s is not set in the environment", variable)
	return ""
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
