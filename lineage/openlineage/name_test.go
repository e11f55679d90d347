package openlineage

import (
	"testing"

	"github.com/penstock-data/penstock/pipeline"
)

func TestDatasetsHaveOneName(t *testing.T) {
	for place, want := range map[string]string{
		"out/clean":                       "file /p/out/clean",
		"in/{partition}.csv":              "file /p/in",
		"in/{year}/{month}/a.csv":         "file /p/in",
		"in/a-*.csv":                      "file /p/in",
		"{partition}.csv":                 "file /p",
		"/{partition}.csv":                "file /",
		"../shared/rates.csv":             "file /shared/rates.csv",
		"/data/./a.csv":                   "file /data/a.csv",
		"file:///data/a.csv":              "file /data/a.csv",
		"s3://me:pw@bucket/a/{day}/x?k=1": "s3://bucket a",
		"https://h:8/a/b.csv?sig=1":       "https://h:8 a/b.csv",
		"https://h":                       "https://h /",
	} {
		if id := locate("/p", place); id.Namespace+" "+id.Name != want {
			t.Errorf("%s: %+v, want %s", place, id, want)
		}
	}
	if got := locateAll("/p", []string{"in/eu/{day}.csv", "in/us/{day}.csv"}); got.Name != "/p/in" {
		t.Error(got)
	}
	if got := address(DatasetID{"file", "/a b/c"}) + " " + address(DatasetID{"s3://b", "x y"}); got != "file:///a%20b/c s3://b/x%20y" {
		t.Error(got)
	}
}

func TestPlacesOfSources(t *testing.T) {
	for source, want := range map[string]string{
		"csv in/{partition}.csv schema id int64":             "in/{partition}.csv",
		"parquet in/*.parquet partition_by day drift evolve": "in/*.parquet",
		"jsonl in/a.jsonl lines only /x/ in Europe/Berlin":   "in/a.jsonl",
		"my own source":                 "in/2001.csv",
		"csv elsewhere/{partition}.csv": "in/2001.csv",
		"":                              "in/2001.csv",
		"csv in/{partition}.csv, other/*.csv without header":   "in/{partition}.csv",
		"csv in/{partition}.csv delimiter \";\" null [\"NA\"]": "in/{partition}.csv",
	} {
		r := pipeline.InputRecord{Source: source, Files: []pipeline.File{{Path: "in/2001.csv"}}}
		if source == "jsonl in/a.jsonl lines only /x/ in Europe/Berlin" {
			r.Files[0].Path = "in/a.jsonl"
		}
		if got := places(&r); len(got) == 0 || got[0] != want {
			t.Errorf("%s: %v, want %s", source, got, want)
		}
	}
}
