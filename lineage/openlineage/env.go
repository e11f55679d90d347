package openlineage

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// FromEnv reads the config as the official clients do. It is nil where none is given. environ is
// as os.Environ gives it; read reads a YAML file, and gives nil where there is none; without it no
// file is looked for. Where only the run is wrong that runs are said to be part of, the config is
// given without it, beside the error.
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
	filters, err := filtersOf(strings.TrimSuffix(where, ": transport"), settings(all).get("filters"))
	if err != nil {
		return nil, err
	}
	c := &Config{filters: filters, Namespace: scrub(firstOf(env["OPENLINEAGE_NAMESPACE"], "default")), Transports: ts}
	var perr, rerr error
	c.Parent, perr = parentIn(env, "OPENLINEAGE_PARENT_ID")
	c.Root, rerr = parentIn(env, "OPENLINEAGE_ROOT_PARENT_ID")
	return c, cmp.Or(perr, rerr)
}

// parentID is how a variable names a run.
var parentID = regexp.MustCompile(`^([^/]+)/([^/]+)/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`)

// parentIn reads a run; nil where there is none.
func parentIn(env map[string]string, name string) (*Of, error) {
	if env[name] == "" {
		return nil, nil
	}
	m := parentID.FindStringSubmatch(env[name])
	if m == nil {
		return nil, invalid("%s: expected NAMESPACE/JOB/RUN, found %q; the run's id is a UUID", name, env[name])
	}
	o := &Of{}
	o.Job.Namespace, o.Job.Name, o.Run.RunID = m[1], m[2], m[3]
	return o, nil
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
	if read == nil {
		return nil, "", nil
	}
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

// nestedPrefix begins variables that name a place in the config, each part after two underscores:
// OPENLINEAGE__TRANSPORT__TYPE.
const nestedPrefix = "OPENLINEAGE__"

// nested is the config that such variables make. Of two that don't go together the shorter one
// holds.
func nested(env map[string]string) map[string]any {
	all := map[string]any{}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(env))) {
		place, ok := strings.CutPrefix(name, nestedPrefix)
		if !ok {
			continue
		}
		parts := strings.Split(strings.ToLower(place), "__")
		at := all
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = valueOf(env[name])
	}
	return all
}

// valueOf is JSON, or the text itself.
func valueOf(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		return v
	}
	return text
}

// merge puts one mapping over another.
func merge(under, over map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, under)
	for key, v := range over {
		for old := range all {
			if old != key && plain(old) == plain(key) {
				key = old
			}
		}
		a, isMap := all[key].(map[string]any)
		b, overMap := v.(map[string]any)
		if isMap && overMap {
			v = merge(a, b)
		}
		all[key] = v
	}
	return all
}
