package openlineage

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// Config says where events go. The zero value sends none.
type Config struct {
	// Namespace is that of jobs; empty: "default".
	Namespace string
	// Parent is the run that runs are part of, a scheduler's, and Root the one that this is part
	// of; may be nil.
	Parent, Root *Of
	// Transports carry the events, each all of them.
	Transports []Transport
	// Wait is how long the end of a command waits for what has not been sent; 0: two seconds.
	// What is left is sent by the next.
	Wait time.Duration
	// RunningEvery is how often a run that takes long is told of; 0: each minute.
	RunningEvery time.Duration
	filters      []filter
	// Warn is told, in a line, what went wrong; nil: nobody is.
	Warn func(string)
}

// settings are a mapping of the config, whose names are written in several ways.
type settings map[string]any

// plain is a name without what the ways differ in: logFilePath, log_file_path, LOG_FILE_PATH.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

func (s settings) get(name string) any {
	for key, v := range s {
		if plain(key) == plain(name) {
			return v
		}
	}
	return nil
}

func (s settings) text(name string) string {
	switch v := s.get(name).(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func (s settings) sub(name string) settings {
	switch v := s.get(name).(type) {
	case map[string]any:
		return v
	case settings:
		return v
	}
	return nil
}

// reader makes transports of a config.
type reader struct {
	console io.Writer
	now     func() time.Time
}

// kinds are the types of transports that are known here.
var kinds = []string{"http", "async_http", "file", "console", "composite", "noop"}

// transports makes those of a mapping; where says what it is called in messages.
func (r *reader) transports(where, name string, s settings) ([]Transport, error) {
	kind := strings.ToLower(strings.TrimSpace(s.text("type")))
	switch kind {
	case "noop":
		return nil, nil
	case "http", "async_http":
		return r.http(where, name, s)
	case "file":
		return r.file(where, name, s)
	case "console":
		return []Transport{&writer{name, r.console}}, nil
	case "composite":
		return r.composite(where, s)
	case "":
		return nil, invalid("%s has no type", where).With("known are " + pipeline.Several(kinds))
	}
	return nil, invalid("%s: %s", where, pipeline.Unknown("type", kind, kinds)).
		With("penstock sends no events by " + kind + "; a collector that takes HTTP, or a file, can hand them on")
}

func invalid(format string, args ...any) *pipeline.Error {
	return pipeline.Errorf(pipeline.Invalid, "openlineage: "+format, args...)
}

// ignored are fields that other clients know and that change nothing here.
var ignored = []string{
	"type", "name", "priority", "session", "adapter", "max_queue_size", "max_concurrent_requests", "storage_options", "debug_mode",
	"continue_on_failure", "continue_on_success", "sort_transports",
}

// check refuses fields that nothing is known of, and those that would change what is sent where.
func (s settings) check(where string, known ...string) error {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if !slices.ContainsFunc(slices.Concat(known, ignored), func(k string) bool { return plain(k) == plain(key) }) {
			return invalid("%s: %s", where, pipeline.Unknown("field", key, known))
		}
	}
	return nil
}

func (r *reader) file(where, name string, s settings) ([]Transport, error) {
	if err := s.check(where, "log_file_path", "location", "append"); err != nil {
		return nil, err
	}
	path, appends := s.text("log_file_path"), s.text("append") == "true"
	if path == "" { // as the client of Java has it
		path, appends = s.text("location"), true
	}
	if path = strings.TrimPrefix(path, "file://"); path == "" {
		return nil, invalid("%s has no log_file_path", where).With("name the file that events are written to")
	}
	if strings.Contains(path, "://") {
		return nil, invalid("%s: log_file_path: only files of this machine are known, found %s", where, cutURI(path))
	}
	if appends {
		return []Transport{&logFile{name, path}}, nil
	}
	return []Transport{&newFiles{name, path, r.now}}, nil
}

// composite is several transports, in a list or by name.
func (r *reader) composite(where string, s settings) (all []Transport, err error) {
	if err := s.check(where, "transports"); err != nil {
		return nil, err
	}
	add := func(name string, v any) error {
		of, ok := v.(map[string]any)
		if !ok {
			return invalid("%s: transports: %s: expected a mapping", where, name)
		}
		more, err := r.transports(where+": transport "+name, safeName(firstOf(settings(of).text("name"), name)), of)
		all = append(all, more...)
		return err
	}
	switch v := s.get("transports").(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if err := add(name, v[name]); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, of := range v {
			if err := add(strconv.Itoa(i+1), of); err != nil {
				return nil, err
			}
		}
	}
	if len(all) == 0 {
		return nil, invalid("%s has no transports", where)
	}
	for i := range all {
		if slices.ContainsFunc(all[:i], func(t Transport) bool { return t.Name() == all[i].Name() }) {
			return nil, invalid("%s: two transports are called %s", where, all[i].Name())
		}
	}
	slices.SortStableFunc(all, func(a, b Transport) int { return slowness(a) - slowness(b) })
	return all, nil
}

// safeName is a name that can be that of a file.
func safeName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && isWord(byte(r)) || r == '-' {
			return r
		}
		return '_'
	}, name)
}

// slowness puts what answers at once before what may not.
func slowness(t Transport) int {
	if _, ok := t.(*server); ok {
		return 1
	}
	return 0
}
