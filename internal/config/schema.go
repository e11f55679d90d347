package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Schema is the JSON Schema (draft 2020-12) of pipeline files, for editors.
func Schema() []byte {
	root := objectSchema(pipelineObject)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Penstock pipeline"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // made of maps and strings
	}
	return append(text, '\n')
}

type schema = map[string]any

func objectSchema(o *object) schema {
	properties := schema{}
	var required []string
	for _, f := range o.fields {
		properties[f.name] = fieldSchema(f)
		if f.required {
			required = append(required, f.name)
		}
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if o.doc != "" {
		s["description"] = o.doc
	}
	if required != nil {
		s["required"] = required
	}
	if o.choice != nil {
		var one []schema
		for _, name := range o.choice {
			one = append(one, schema{"required": []string{name}})
		}
		s["oneOf"] = one
	}
	return s
}

func fieldSchema(f field) schema {
	s := typeSchema(f)
	s["description"] = f.doc
	if f.choices != nil {
		s["enum"] = f.choices
	}
	return s
}

var scalarTypes = []string{"string", "number", "boolean"}

func typeSchema(f field) schema {
	texts := schema{"type": "array", "items": schema{"type": scalarTypes}}
	switch f.typ {
	case "text":
		return schema{"type": "string"}
	case "value":
		return schema{"type": scalarTypes}
	case "number":
		return schema{"type": "number"}
	case "bool":
		return schema{"type": "boolean"}
	case "texts":
		return schema{"anyOf": []schema{{"type": "string"}, texts}}
	case "values":
		return texts
	case "map":
		return schema{"type": "object", "additionalProperties": schema{"type": append(scalarTypes[:3:3], "null")}}
	case "map of values":
		return schema{"type": "object", "additionalProperties": schema{"type": scalarTypes}}
	case "map of any":
		return schema{"type": "object"}
	case "any":
		return schema{}
	case "statement":
		return schema{"anyOf": []schema{{"type": "string"}, objectSchema(twoStatements)}}
	case "tolerance":
		return schema{"anyOf": []schema{{"type": scalarTypes}, objectSchema(thresholds)}}
	case "checks":
		return schema{"type": "array", "items": schema{"type": "object", "minProperties": 1, "maxProperties": 1}}
	case "from":
		input := schema{"anyOf": []schema{{"type": "string"}, objectSchema(pastObject)}}
		named := schema{"type": "object", "additionalProperties": input}
		return schema{"anyOf": []schema{{"type": "string"}, named, {"type": "array", "items": schema{"anyOf": []schema{{"type": scalarTypes}, named}}}}}
	case "calendar":
		return schema{"anyOf": []schema{{"enum": []string{businessDays}}, objectSchema(calendarObject)}}
	case "object":
		return objectSchema(f.object)
	case "objects":
		return schema{"type": "object", "additionalProperties": objectSchema(f.object)}
	case "operators":
		return schema{"type": "array", "items": operatorSchema()}
	case "gates":
		return schema{"type": "array", "items": objectSchema(ruleObject)}
	case "derive":
		return schema{"type": "object", "additionalProperties": schema{"anyOf": []schema{
			{"type": scalarTypes},
			{"type": "object", "properties": schema{"expr": schema{"type": scalarTypes}, "type": schema{"type": "string"}}, "required": []string{"expr"}, "additionalProperties": false},
		}}}
	case "sort":
		key := schema{"anyOf": []schema{{"type": "string"}, {"type": "object", "properties": schema{
			"column": schema{"type": "string"}, "desc": schema{"type": "boolean"}, "nulls_first": schema{"type": "boolean"},
		}, "required": []string{"column"}, "additionalProperties": false}}}
		return schema{"anyOf": []schema{key, {"type": "array", "items": key}}}
	case "rows":
		return schema{"type": "array", "items": schema{"type": "object"}}
	case "map of rows":
		return schema{"type": "object", "additionalProperties": typeSchema(field{typ: "rows"})}
	case "fixtures":
		return schema{"type": "array", "minItems": 1, "items": schema{"type": []string{"array", "object"}}}
	case "keys":
		key := schema{"anyOf": []schema{{"type": "string"}, objectSchema(keyObject)}}
		return schema{"anyOf": []schema{key, {"type": "array", "items": key}}}
	case "compared":
		how := schema{"anyOf": []schema{{"type": "null"}, objectSchema(comparedObject)}}
		return schema{"anyOf": []schema{{"type": "string"}, texts, {"type": "object", "additionalProperties": how}}}
	case "passes":
		return schema{"type": "array", "items": objectSchema(passObject)}
	case "nothing":
		return schema{"type": []string{"null", "object"}, "maxProperties": 0}
	}
	panic("no schema for a field of type " + f.typ)
}

func operatorSchema() schema {
	properties := schema{}
	for _, f := range operatorSpecs {
		s := fieldSchema(f)
		if f.name == "dedupe" {
			s["type"] = []string{"object", "null"}
		}
		properties[f.name] = s
	}
	return schema{"anyOf": []schema{
		{"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1, "maxProperties": 1},
		{"const": "union"},
	}}
}

// Reference is the reference page of pipeline files, in Markdown.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString("# Pipeline files\n\nGenerated from the code by `go generate ./...`; edit internal/config/spec.go instead.\n\n" +
		"A pipeline file is YAML, read strictly: a key that is not named here is an error. Expressions are CEL; the functions\n" +
		"are listed in the [expressions](expressions.md) page.\n")
	section := func(title, doc string, fields []field) {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| field | value | what it is |\n|---|---|---|\n", title, doc)
		for _, f := range fields {
			fmt.Fprintf(&b, "| `%s`%s | %s | %s |\n", f.name, mark(f), valueText(f), strings.ReplaceAll(f.doc, "|", "\\|"))
		}
	}
	section("The file", "Fields with a star are required.", pipelineObject.fields)
	section("partitions", partitionsObject.doc, partitionsObject.fields)
	section("calendar", calendarObject.doc, calendarObject.fields)
	section("A source", sourceObject.doc, sourceObject.fields)
	section("lines", linesObject.doc, linesObject.fields)
	section("A stage", stageObject.doc, stageObject.fields)
	section("partitions of a dataset", datasetPartitions.doc, datasetPartitions.fields)
	section("past", pastObject.doc, pastObject.fields)
	section("output", outputObject.doc, outputObject.fields)
	section("night", nightObject.doc, nightObject.fields)
	section("report", reportObject.doc, reportObject.fields)
	section("notify", notifyObject.doc, notifyObject.fields)
	section("Operators", "Each is a mapping of its name to its arguments.", operatorSpecs)
	for _, f := range operatorSpecs {
		if f.object != nil {
			section("Arguments of "+f.name, f.doc, f.object.fields)
		}
		if f.name == "reconcile" {
			section("A key of reconcile", keyObject.doc, keyObject.fields)
			section("A column of reconcile", comparedObject.doc, comparedObject.fields)
			section("A pass of reconcile", passObject.doc, passObject.fields)
			section("late of reconcile", lateObject.doc, lateObject.fields)
		}
	}
	section("Gates: the check", "A gate has exactly one of these. One that names several columns in a mapping is a rule for each. "+
		"Those that take a mapping of fields have them listed in [fields of checks](checks.md#fields-of-checks).", checkFields)
	section("Gates: the rule", "And any of these.", ruleFields)
	section("tests", "A fixture is a list of rows, each a mapping of columns to values, or a mapping as below.", testsObject.fields)
	section("A fixture", "A mapping, where the rule needs more than rows.", fixtureObject.fields)
	return b.Bytes()
}

func mark(f field) string {
	if f.required {
		return " *"
	}
	return ""
}

func valueText(f field) string {
	if f.choices != nil {
		return strings.Join(f.choices, ", ")
	}
	names := map[string]string{
		"texts": "a text or a list", "values": "a list", "map": "a mapping of names to texts", "objects": "a mapping by name",
		"object": "a mapping", "calendar": "business_days, or a mapping", "from": "a name, a list or a mapping", "operators": "a list", "gates": "a list",
		"map of any": "a mapping of columns to values or lists", "any": "anything", "statement": "a text, or a mapping of two",
		"tolerance": "a value, or a mapping of two", "checks": "a list of checks", "map of values": "a mapping of columns to values",
		"derive": "a mapping of columns to CEL", "sort": "a list of columns", "keys": "a name, a list or a mapping", "compared": "a list, or a mapping by name", "passes": "a list of passes", "nothing": "nothing",
		"rows": "a list of rows", "map of rows": "a mapping of names to lists of rows", "fixtures": "a list of fixtures",
	}
	if n, ok := names[f.typ]; ok {
		return n
	}
	return f.typ
}
