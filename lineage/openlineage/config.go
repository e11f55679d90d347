package openlineage

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
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
	// Transports carry the events, each all of them.
	Transports []Transport
	// Wait is how long the end of a command waits for what has not been sent; 0: two seconds.
	// What is left is sent by the next.
	Wait time.Duration
	// RunningEvery is how often a run that takes long is told of; 0: each minute.
	RunningEvery time.Duration
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
	"continue_on_failure", "continue_on_success", "sort_transports", "retry",
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

// defaultTimeout is that of the official clients.
const defaultTimeout = 5 * time.Second

func (r *reader) http(where, name string, s settings) ([]Transport, error) {
	if err := s.check(where, "url", "endpoint", "timeout", "timeout_in_millis", "verify", "auth", "compression", "custom_headers", "headers"); err != nil {
		return nil, err
	}
	address, err := joinURL(s.text("url"), firstOf(s.text("endpoint"), "api/v1/lineage"))
	if err != nil {
		return nil, invalid("%s: url: %v", where, err)
	}
	timeout, err := s.timeout()
	if err != nil {
		return nil, invalid("%s: %v", where, err)
	}
	srv := newServer(name, address, timeout, s.text("verify") != "false")
	if srv.key, err = apiKey(s.sub("auth")); err != nil {
		return nil, invalid("%s: auth: %v", where, err)
	}
	switch c := s.text("compression"); c {
	case "", "gzip":
		srv.gzip = c == "gzip"
	default:
		return nil, invalid("%s: compression: %s", where, pipeline.Unknown("choice", c, []string{"gzip"}))
	}
	srv.headers = map[string]Secret{}
	for _, field := range []string{"custom_headers", "headers"} {
		for key := range s.sub(field) {
			srv.headers[key] = Secret(s.sub(field).text(key))
		}
	}
	return []Transport{srv}, nil
}

func (s settings) timeout() (time.Duration, error) {
	for field, unit := range map[string]time.Duration{"timeout": time.Second, "timeout_in_millis": time.Millisecond} {
		if text := s.text(field); text != "" {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || n <= 0 || n > 3600e3 {
				return 0, fmt.Errorf("%s: expected a number above 0, found %q", field, text)
			}
			return time.Duration(n * float64(unit)), nil
		}
	}
	return defaultTimeout, nil
}

// joinURL is the address of an endpoint.
func joinURL(base, endpoint string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(base))
	switch {
	case base == "":
		return "", fmt.Errorf("is missing")
	case err != nil:
		return "", fmt.Errorf("%s is no address", cutURI(base))
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", fmt.Errorf("%s is no address like https://lineage.example.com", cutURI(base))
	}
	ref, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("the endpoint %s is no path", cutURI(endpoint))
	}
	return u.ResolveReference(ref).String(), nil
}

func apiKey(s settings) (Secret, error) {
	switch kind := s.text("type"); kind {
	case "":
		return "", nil
	case "api_key":
		key := firstOf(s.text("api_key"), s.text("apiKey"))
		if key == "" {
			return "", fmt.Errorf("has no apiKey")
		}
		return Secret(key), nil
	default:
		return "", fmt.Errorf("%s", pipeline.Unknown("type", kind, []string{"api_key"}))
	}
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
	return distinct(all), nil
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

func distinct(all []Transport) []Transport {
	slices.SortStableFunc(all, func(a, b Transport) int { return slowness(a) - slowness(b) })
	return all
}

// slowness puts what answers at once before what may not.
func slowness(t Transport) int {
	if _, ok := t.(*server); ok {
		return 1
	}
	return 0
}

// FromEnv reads the config as the official clients do. It is nil where none is given. environ is
// as os.Environ gives it; read reads a YAML file, and gives nil where there is none.
func FromEnv(environ []string, console io.Writer, now func() time.Time, read func(path string) (map[string]any, error)) (*Config, error) {
	env := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, "OPENLINEAGE_") {
			env[name] = value
		}
	}
	if strings.ToLower(strings.TrimSpace(env["OPENLINEAGE_DISABLED"])) == "true" {
		return nil, nil
	}
	all, where, err := configFile(env["OPENLINEAGE_CONFIG"], read)
	if err != nil {
		return nil, err
	}
	all = merge(all, nested(env))
	r := &reader{console, now}
	transport := withURL(settings(all).sub("transport"), env)
	if transport.text("type") == "" {
		return nil, nil
	}
	ts, err := r.transports(firstOf(where, "transport"), safeName(transport.text("type")), transport)
	if err != nil || len(ts) == 0 {
		return nil, err
	}
	return &Config{Namespace: firstOf(env["OPENLINEAGE_NAMESPACE"], "default"), Transports: ts}, nil
}

// withURL takes in the short variables: they are the transport where no other is given, and one
// more of several.
func withURL(transport settings, env map[string]string) settings {
	if env["OPENLINEAGE_URL"] == "" {
		return transport
	}
	short := settings{"type": "http", "url": env["OPENLINEAGE_URL"]}
	if e := env["OPENLINEAGE_ENDPOINT"]; e != "" {
		short["endpoint"] = e
	}
	if key := env["OPENLINEAGE_API_KEY"]; key != "" {
		short["auth"] = map[string]any{"type": "api_key", "apiKey": key}
	}
	if transport.text("type") == "" {
		return short
	}
	if of, ok := transport.get("transports").(map[string]any); ok && of["default_http"] == nil {
		of["default_http"] = map[string]any(short)
	}
	return transport
}

// configFile reads the first of the files that are looked for; where is its name.
func configFile(given string, read func(string) (map[string]any, error)) (all map[string]any, where string, err error) {
	paths := []string{"openlineage.yml"}
	if home, err := os.UserHomeDir(); err == nil {
		paths = append(paths, home+"/.openlineage/openlineage.yml")
	}
	if given != "" {
		paths = []string{given}
	}
	for _, path := range paths {
		all, err := read(path)
		if all != nil || err != nil {
			return all, path + ": transport", err
		}
	}
	if given != "" {
		return nil, "", invalid("OPENLINEAGE_CONFIG names %s: no such file", given)
	}
	return nil, "", nil
}
