package openlineage

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// say tells a config in short.
func say(c *Config) string {
	if c == nil {
		return "none"
	}
	all := []string{c.Namespace}
	for _, t := range c.Transports {
		switch t := t.(type) {
		case *server:
			all = append(all, fmt.Sprintf("%s: %s key=%t gzip=%t %s", t.name, t.url, t.key != "", t.gzip, t.client.Timeout))
		case *logFile:
			all = append(all, t.name+": append "+t.path)
		case *newFiles:
			all = append(all, t.name+": files "+t.path)
		case *writer:
			all = append(all, t.name+": console")
		}
	}
	return strings.Join(all, ", ")
}

// configs are what the official clients read, and what comes of it here.
var configs = []struct{ env, file, want string }{
	{"", "", "none"},
	{"OPENLINEAGE_URL=http://h:5000", "", "default, http: http://h:5000/api/v1/lineage key=false gzip=false 5s"},
	{"OPENLINEAGE_URL=https://h/base/ OPENLINEAGE_ENDPOINT=x/y OPENLINEAGE_API_KEY=k OPENLINEAGE_NAMESPACE=prod", "", "prod, http: https://h/base/x/y key=true gzip=false 5s"},
	{"OPENLINEAGE_URL=http://h OPENLINEAGE_DISABLED=True", "", "none"},
	{"OPENLINEAGE__TRANSPORT__TYPE=file OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=/tmp/e OPENLINEAGE__TRANSPORT__APPEND=true", "", "default, file: append /tmp/e"},
	{"OPENLINEAGE__TRANSPORT__TYPE=http OPENLINEAGE__TRANSPORT__URL=http://h OPENLINEAGE__TRANSPORT__TIMEOUT=1.5 OPENLINEAGE__TRANSPORT__AUTH__TYPE=api_key OPENLINEAGE__TRANSPORT__AUTH__APIKEY=k OPENLINEAGE__TRANSPORT__COMPRESSION=gzip", "", "default, http: http://h/api/v1/lineage key=true gzip=true 1.5s"},
	{`OPENLINEAGE__TRANSPORT={"type":"http","url":"http://h"}`, "", "default, http: http://h/api/v1/lineage key=false gzip=false 5s"},
	{"", `{"transport": {"type": "console"}, "facets": {"environment_variables": ["A"]}}`, "default, console: console"},
	{"", `{"transport": {"type": "noop"}}`, "none"},
	{"", `{"transport": {"type": "file", "log_file_path": "out/e"}}`, "default, file: files out/e"},
	{"", `{"transport": {"type": "file", "location": "file:///e"}}`, "default, file: append /e"},
	{"OPENLINEAGE_URL=http://h", `{"transport": {"type": "console"}}`, "default, console: console"},
	{"OPENLINEAGE__TRANSPORT__URL=http://other", `{"transport": {"type": "http", "url": "http://h", "timeoutInMillis": 200}}`, "default, http: http://other/api/v1/lineage key=false gzip=false 200ms"},
	{"", `{"transport": {"type": "composite", "transports": [{"type": "http", "url": "http://h", "name": "my srv"}, {"type": "file", "log_file_path": "e", "append": true}]}}`, "default, 2: append e, my_srv: http://h/api/v1/lineage key=false gzip=false 5s"},
	{"OPENLINEAGE_URL=http://x", `{"transport": {"type": "composite", "transports": {"b": {"type": "async_http", "url": "http://h", "max_queue_size": 5}, "a": {"type": "console"}}}}`, "default, a: console, b: http://h/api/v1/lineage key=false gzip=false 5s, default_http: http://x/api/v1/lineage key=false gzip=false 5s"},
	{"OPENLINEAGE_URL=http://h OPENLINEAGE_PARENT_ID=air/dag/7", "", `openlineage: OPENLINEAGE_PARENT_ID: expected NAMESPACE/JOB/RUN, found "air/dag/7"; the run's id is a UUID`},
	// What can't be done is said before anything runs.
	{"", `{"transport": {"type": "kafka", "topic": "t"}}`, `openlineage: it.yml: transport: unknown type "kafka"; known are http, async_http, file, console, composite, noop|penstock sends no events by kafka; a collector that takes HTTP, or a file, can hand them on`},
	{"", `{"transport": {"type": "composite", "transports": {"k": {"type": "kafka"}}}}`, `openlineage: it.yml: transport: transport k: unknown type "kafka"; known are`},
	{"", `{"transport": {"type": "composite", "transports": [{"type": "console", "name": "a"}, {"type": "console", "name": "a"}]}}`, "openlineage: it.yml: transport: two transports are called a"},
	{"", `{"transport": {"type": "composite", "transports": []}}`, "openlineage: it.yml: transport has no transports"},
	{"", `{"transport": {"type": "composite", "transports": ["x"]}}`, "openlineage: it.yml: transport: transports: 1: expected a mapping"},
	{"OPENLINEAGE_URL=h:5000", "", "openlineage: transport: url: h:5000 is no address like https://lineage.example.com"},
	{"OPENLINEAGE_URL=ftp://u:p@h/?k=1", "", "openlineage: transport: url: ftp://h/ is no address like https://lineage.example.com"},
	{"", `{"transport": {"type": "http"}}`, "openlineage: it.yml: transport: url: is missing"},
	{"", `{"transport": {"type": "http", "url": "http://h", "urll": "x"}}`, `openlineage: it.yml: transport: unknown field "urll"; did you mean "url"?`},
	{"", `{"transport": {"type": "http", "url": "http://h", "sslContext": {}}}`, `openlineage: it.yml: transport: unknown field "sslContext"; known are`},
	{"", `{"transport": {"type": "http", "url": "http://h", "timeout": "soon"}}`, `openlineage: it.yml: transport: timeout: expected a number above 0, found "soon"`},
	{"", `{"transport": {"type": "http", "url": "http://h", "auth": {"type": "jwt"}}}`, `openlineage: it.yml: transport: auth: unknown type "jwt"; known are api_key`},
	{"", `{"transport": {"type": "http", "url": "http://h", "auth": {"type": "api_key"}}}`, "openlineage: it.yml: transport: auth: has no apiKey"},
	{"", `{"transport": {"type": "http", "url": "http://h", "compression": "zip"}}`, `openlineage: it.yml: transport: compression: unknown choice "zip"`},
	{"", `{"transport": {"type": "http", "url": "http://h", "retry": {"total": -1}}}`, `openlineage: it.yml: transport: retry: total: expected a number from 0 to 100, found "-1"`},
	{"", `{"transport": {"type": "http", "url": "http://h", "retry": {"totl": 1}}}`, `openlineage: it.yml: transport: retry: unknown field "totl"`},
	{"", `{"transport": {"type": "console"}, "filters": [{"type": "regex", "regex": "("}]}`, "openlineage: it.yml: filters: error parsing regexp"},
	{"", `{"transport": {"type": "console"}, "filters": [{"type": "exakt", "match": "x"}]}`, "openlineage: it.yml: filters: expected {type: exact, match: JOB} or {type: regex, regex: …}"},
	{"", `{"transport": {"type": "file"}}`, "openlineage: it.yml: transport has no log_file_path|name the file that events are written to"},
	{"", `{"transport": {"type": "file", "log_file_path": "s3://k:s@b/e"}}`, "openlineage: it.yml: transport: log_file_path: only files of this machine are known, found s3://b/e"},
}

func TestConfigs(t *testing.T) {
	for _, c := range configs {
		env := strings.Fields(c.env)
		if c.file != "" {
			env = append(env, "OPENLINEAGE_CONFIG=it.yml")
		}
		read, err := FromEnv(env, io.Discard, time.Time{}.UTC, func(string) (all map[string]any, err error) {
			if c.file != "" {
				err = json.Unmarshal([]byte(c.file), &all)
			}
			return all, err
		})
		got := say(read)
		if err != nil {
			got = strings.ReplaceAll(err.Error(), "\n\t", "|")
		}
		if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
			t.Errorf("%s %s:\n got %s\nwant %s", c.env, c.file, got, c.want)
		}
	}
}

// The files are looked for where the clients look; the one that is named has to be there.
func TestConfigFiles(t *testing.T) {
	t.Setenv("HOME", "/home/joe")
	asked := func(env ...string) (paths []string, err error) {
		_, err = FromEnv(env, io.Discard, time.Time{}.UTC, func(path string) (map[string]any, error) {
			paths = append(paths, path)
			return nil, nil
		})
		return paths, err
	}
	paths, err := asked()
	if diff := cmp.Diff([]string{"openlineage.yml", "/home/joe/.openlineage/openlineage.yml"}, paths); diff != "" || err != nil {
		t.Error(diff, err)
	}
	paths, err = asked("OPENLINEAGE_CONFIG=my.yml")
	if len(paths) != 1 || err == nil || err.Error() != "openlineage: OPENLINEAGE_CONFIG names my.yml: no such file" {
		t.Error(paths, err)
	}
}
