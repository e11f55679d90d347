package report

import (
	"fmt"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// hostile holds what must not get out of its place in any format.
const hostile = "<script>alert(1)</script>]]>\n::error::x | `a` *b* [c](https://evil.example) @octocat #1 %0A \x1b[31m\u202e😀"

func number64(x float64) *float64 { return &x }

// past makes the values of a metric on months before 2001-07.
func past(values ...float64) []pipeline.PastValue {
	var p []pipeline.PastValue
	for i, v := range values {
		month := time.Date(2001, time.July-time.Month(len(values)-i), 1, 0, 0, 0, 0, time.UTC)
		p = append(p, pipeline.PastValue{Partition: month.Format("2006-01"), Value: v})
	}
	return p
}

// rich is a run with a gate of every grade, and everything a record can hold.
func rich() *pipeline.RunRecord {
	started := time.Date(2026, 11, 24, 9, 24, 2, 0, time.UTC)
	at := func(line int) pipeline.Pos { return pipeline.Pos{File: "pipelines/orders.yaml", Line: line, Col: 9} }
	return &pipeline.RunRecord{
		Run: "20261124T092402-4f2a9c", Pipeline: "orders", Partition: "2001-07", Status: pipeline.Blocked,
		Outputs: []pipeline.OutputRecord{}, RowsIn: 1204331, RowsOut: 1161902, RowsQuarantined: 42, Seconds: 83.412,
		File: "pipelines/orders.yaml", Started: started, Actor: "ada@example.org", Penstock: "0.4.0",
		Command: []string{"penstock", "run", "pipelines/orders.yaml", "--partition", "2001-07"},
		Commit:  "9f3a01c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0-dirty",
		Params:  map[string]string{"input": "data/orders/{partition}", "note": hostile},
		Inputs: []pipeline.InputRecord{
			{Name: "orders", Source: "parquet data/orders/{partition}/*.parquet", Files: []pipeline.File{
				{Path: "data/orders/2001-07/eu/part-0007.parquet", Bytes: 48231022, Rows: 402119, SHA256: "ea8cd9a956b6c49c72044ffed3717dca85dfb2779621d1751a485f7bfaa77cfc"},
				{Path: "data/orders/2001-07/us/part-0001.parquet", Bytes: 91203311, Rows: 802212, SHA256: "903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad"},
			}},
			{Name: "customers", Dataset: "warehouse/customers", Partition: "2001-07", Version: 3, Manifest: "77aa55"},
		},
		Stages: []pipeline.StageRecord{
			{Name: "clean", RowsIn: 1204331, RowsOut: 1204289, RowsQuarantined: 42, Seconds: 61.2},
			{Name: "daily", RowsIn: 1204289, RowsOut: 1161902, Seconds: 22.1},
		},
		Gates: []pipeline.Finding{
			{
				Stage: "clean", Name: "volume", Severity: pipeline.Block, Verdict: pipeline.Pass, DecidedBy: "footer", Groups: 12,
				RowsTested: 1204331, Observed: "1,204,331 rows", Expected: "at least 254,000", Rule: "expect rows() >= 254000", At: at(18), Kind: "expect",
			},
			{
				Stage: "clean", Name: "email_known", Severity: pipeline.Block, Verdict: pipeline.Fail, DecidedBy: "page index", Groups: 12, GroupsRead: 3,
				BytesRead: 5 << 20, RowsTested: 1204289, RowsFailed: 36129, RowsNull: 17, Observed: "null_share(email) = 0.03", Expected: "at most 0.01",
				Rule: "expect null_share(email) <= 0.01", At: at(22), Kind: "expect", Description: "marketing can't write to customers without an address",
				Owner: "crm-team", Tags: []string{"pii", "contract"}, Measures: []string{"null_share(email)"},
				Samples: []pipeline.RowSample{
					{Source: "eu/part-0007.parquet: row group 3", Row: 17, Key: []pipeline.Cell{{Column: "order_id", Value: "4711"}, {Column: "line", Value: "2"}}},
					{Source: "eu/part-0007.parquet: row group 3", Row: 21, Key: []pipeline.Cell{{Column: "order_id", Value: "4715"}, {Column: "line", Value: "1"}}},
					{Source: "eu/part-0007.parquet: row group 4", Row: 0, Key: []pipeline.Cell{{Column: "order_id", Value: "4902"}, {Column: "line", Value: "1"}}},
				},
				Blame: []pipeline.Blame{
					{Source: "eu/part-0007.parquet", Failed: 35045, Total: 36129, Without: "0.1%", Holds: true},
					{Source: "us/part-0001.parquet", Failed: 1084, Total: 36129, Without: "2.9%"},
				},
			},
			{
				Stage: "clean", Name: "amount", Severity: pipeline.Block, Verdict: pipeline.Fail, DecidedBy: "scan", Groups: 12, GroupsRead: 12,
				BytesRead: 48 << 20, RowsTested: 1204331, RowsFailed: 42, RowsQuarantined: 42, Observed: "42 of 1,204,331 rows failed", Expected: "none",
				Rule: `rows amount > 0 && currency in ["EUR", "USD"]`, At: at(26), Kind: "rows", Detail: []string{"42 rows quarantined"},
				Samples: []pipeline.RowSample{
					{
						Source: "us/part-0001.parquet: row group 0", Row: -1, Key: []pipeline.Cell{{Column: "order_id", Value: hostile}},
						Values: []pipeline.Cell{{Column: "amount", Value: "-5"}, {Column: "currency", Value: ""}}, Rows: 4,
					},
				},
				ByGroup: []pipeline.GroupFinding{
					{Group: "region=eu, kind=a", Verdict: pipeline.Fail, Observed: "30 of 402,119 rows failed"},
					{Group: "region=" + hostile, Verdict: pipeline.NoData, Observed: "no rows"},
				}, GroupsJudged: 24, GroupsFailed: 2,
			},
			{
				Stage: "clean", Name: "rate", Severity: pipeline.Block, Verdict: pipeline.ErrorVerdict, DecidedBy: "scan", RowsTested: 12,
				Observed: "division by zero", Expected: "at most 2", Rule: "expect sum(a) / sum(b) <= 2", At: at(30), Detail: []string{hostile},
			},
			{
				Stage: "clean", Name: "fresh", Severity: pipeline.Block, Verdict: pipeline.NoData, DecidedBy: "footer", Observed: "no rows",
				Expected: "newest(day) within 2 days", Rule: "fresh day: 2d", At: at(33),
				Approved: &pipeline.Approval{
					Run: "20261123T080000-1a2b3c", Actor: "grace", Reason: "holiday, no orders", At: started.Add(-time.Hour), Expires: started.Add(24 * time.Hour),
				},
			},
			{
				Stage: "daily", Name: hostile, Severity: pipeline.SeverityWarn, Verdict: pipeline.Warn, DecidedBy: "stored states", RowsTested: 31,
				Observed: "mean(amount) = 48.2", Expected: "between 30 and 45", Rule: "expect mean(amount) in 30..45", At: at(41), Measures: []string{"mean(amount)", "rows()"},
			},
			{
				Stage: "daily", Name: "season", Severity: pipeline.Block, Verdict: pipeline.InsufficientHistory, DecidedBy: "stored states",
				Observed: "2 published partitions", Expected: "at least 6", Rule: "expect rows() within 3 sigma", At: at(44),
			},
			{
				Stage: "daily", Name: "by_hand", Severity: pipeline.SeverityWarn, Verdict: pipeline.Skipped, DecidedBy: "footer",
				Observed: "0 rows", Expected: "any", Rule: "rows true", At: at(47),
			},
		},
		Measures: []pipeline.Measure{
			{Stage: "clean", Metric: "null_share(email)", Text: "0.03", Number: number64(0.03), Past: past(0.0011, 0.0009, 0.0012, 0.001, 0.0014, 0.0013)},
			{
				Stage: "daily", Metric: "mean(amount)", Text: "48.2", Number: number64(48.2), Error: 0.5, Past: past(38, 39.5, 37.1, 41, 40.2, 42.9, 41.7, 40),
				Bins: []pipeline.Bin{
					{Low: 0, High: 20, Count: 1200},
					{Low: 20, High: 40, Count: 5400},
					{Low: 40, High: 60, Count: 8800},
					{Low: 60, High: 80, Count: 2100},
					{Low: 80, High: 100, Count: 300},
					{Low: 100, High: 120, Count: 12},
				},
			},
			{
				Stage: "clean", Metric: "top(country)", Text: "DE", Bins: []pipeline.Bin{
					{Label: "DE", Count: 512000}, {Label: "US", Count: 402000}, {Label: hostile, Count: 12}, {Label: "", Count: 3},
				},
			},
			{Stage: "daily", Metric: "rows()", Text: "31 rows", Number: number64(31), Past: past(31, 31, 31, 31)},
		},
	}
}

// months are records of several partitions, each with something else.
func months(n int) []*pipeline.RunRecord {
	var all []*pipeline.RunRecord
	for i := range n {
		rec := rich()
		rec.Partition = time.Date(2001, time.Month(i+1), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
		rec.Run = fmt.Sprintf("20261124T0924%02d-4f2a9c", i)
		switch i % 4 {
		case 0, 2:
			rec.Status, rec.Gates = pipeline.Published, rec.Gates[:1]
			rec.Outputs = []pipeline.OutputRecord{{Dataset: "warehouse/clean", Path: "warehouse/clean/month=" + rec.Partition, Version: 2, Rows: 1204289}}
		case 1:
			rec.Status, rec.Gates, rec.Error = pipeline.Failed, nil, "pipelines/orders.yaml:7:3: stage \"clean\": orders.parquet: "+hostile+"\n\tnothing was published"
		}
		all = append(all, rec)
	}
	return all
}
