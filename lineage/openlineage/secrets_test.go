package openlineage

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

// planted are ways to write a secret, hunter2, into a text.
var planted = []string{
	"see https://joe:hunter2@wiki.example.com/x, and ask", "s3://AKIA:hunter2@bucket/a?sig=hunter2#hunter2", "https://u:hunter2/b?@h/x",
	"password=hunter2", `API_KEY: "hunter2"`, "my-secret-token = 'hunter2'", "Authorization: Bearer hunter2", `{"password": "hunter2"}`,
	"bearer hunter2hunter2hunter2", "https://joe:it's-hunter2@h/x", "$ curl -u joe https://h?token=hunter2",
}

// fill puts a text into every field of a value, and of what it points to.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Producer" && name != "SchemaURL" {
				fill(v.Field(i), text)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text)
		fill(value, text)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	}
}

// Whichever field of whichever facet a secret gets into, it is not told.
func TestNoFieldHoldsASecret(t *testing.T) {
	for _, text := range append(slices.Clone(planted), "plain 4711x") {
		var e Event
		fill(reflect.ValueOf(&e).Elem(), text)
		before, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		hide := scrubber(map[string]string{"db_password": "4711x", "least": "plain"})
		all := scrubbed([]Event{e}, hide)
		got, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(got), "hunter2") || strings.Contains(string(got), "4711x") {
			t.Errorf("%s: %s", text, got)
		}
		if again, err := json.Marshal(scrubbed(all, hide)); err != nil || string(again) != string(got) {
			t.Errorf("%s: the second time it is %s", text, again)
		}
		if after, err := json.Marshal(e); err != nil || string(after) != string(before) {
			t.Errorf("%s: what it was made of has changed", text)
		}
		if text == "plain 4711x" && strings.Count(string(got), "plain …") < 60 {
			t.Errorf("what is no secret is not told: %s", got)
		}
	}
}

// What is no secret stays as it was written.
func TestScrubLeavesTheRest(t *testing.T) {
	for _, text := range []string{
		"token == 5 && rows() > 3", "SELECT token::text, password FROM t", "team:sales", "user:joe@example.com", "nulls(token)",
		"https://example.com/a@b/c", "the basic information: see below", "2001-07", "month=2001-07/v3", "key=eu",
	} {
		if got := scrub(text); got != text {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// A secret in whatever people write of a pipeline and its runs is neither told nor put into the outbox.
func TestNoStoryHoldsASecret(t *testing.T) {
	for _, text := range planted {
		pl := &pipeline.Pipeline{Name: text, File: text, Stages: []pipeline.Stage{{
			Name: "clean", From: []string{"orders"}, Description: text, Owner: text, Tags: []string{text}, Output: &pipeline.Output{},
			Operators: []pipeline.Operator{textOperator{text: "sql over x:\nSELECT 1 -- " + text + "\nFROM '" + strings.ReplaceAll(text, "'", "''") + "' /* " + text + " */"}},
		}}}
		s := sample(pipeline.Published)
		rec := s.Record
		rec.Pipeline, rec.Actor, rec.Error, rec.Commit, rec.Partition, rec.Dir = text, text, text, text, text, "key="+text
		rec.Command, rec.Params = []string{text}, map[string]string{"p": text}
		rec.Approvals = []pipeline.Approval{{Actor: text, Reason: text}}
		rec.Measures = append(rec.Measures, pipeline.Measure{Stage: "clean", Metric: text, Text: text, Number: rec.Measures[0].Number})
		f := &rec.Gates[0]
		f.Name, f.Rule, f.Description, f.Expected, f.Observed, f.Approved, f.Measures = text, text, text, text, text, &rec.Approvals[0], []string{text}
		rec.Bases[0].Inputs = []pipeline.InputRecord{
			{Name: text, Source: "csv " + text, Files: []pipeline.File{{Path: text}}}, {Name: "a", Source: "parquet " + text}, {Name: "b", Dataset: text, Partition: text, Version: 1},
		}
		manifest := s.Manifest("out/clean", "month=2001-07", 3)
		manifest.Inputs, manifest.Columns[0].Tags = rec.Bases[0].Inputs, []string{text}
		for _, status := range []pipeline.Status{pipeline.Published, pipeline.Failed, pipeline.Blocked, pipeline.Cancelled} {
			rec.Status = status
			for _, remote := range []string{text, "joe:hunter2@example.com:acme/etl.git", "hunter2@github.com:acme/etl.git"} {
				in := NewIntent("prod", pl, pipeline.Partition{}, rec, Code{remote, "", "a.yaml"})
				in.Namespace, in.Parent = text, (&Story{Intent: in}).of(text, text)
				story := &Story{Intent: in, Record: rec, Dir: "/srv/etl", Manifest: func(string, string, int64) *pipeline.Manifest { return manifest }}
				kept, err := json.Marshal(in.Stages)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range append(encode(slices.Concat(story.Start(), story.Running(began), story.End())), kept) {
					if i := strings.Index(string(e), "hunter2"); i >= 0 {
						t.Fatalf("%s, remote %s: …%s…", text, remote, e[max(0, i-150):min(len(e), i+30)])
					}
				}
			}
		}
	}
}

type textOperator struct {
	pipeline.Operator
	text string
}

func (o textOperator) String() string { return o.text }
