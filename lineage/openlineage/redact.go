package openlineage

import (
	"net/url"
	"reflect"
	"regexp"
	"strings"
)

// Secret is a text that shows itself to nobody who prints it.
type Secret string

// String hides it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[secret]"
}

// GoString hides it from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides it from whoever writes it as JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// What in a text may be a secret: addresses, of which it is the user info and the query; what is
// given to a name like password; and keys that are known by how they begin.
var (
	uriText    = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s/]*@)?[^\s"'<>` + "`" + `]+`)
	secretName = regexp.MustCompile(`(?i)` + secretNames)
	givenText  = regexp.MustCompile(`(?i)([\w-]*(?:` + secretNames + `)[\w-]*["']?\s*[=:]\s*)(?:bearer\s+|basic\s+)?("[^"]*"|'[^']*'|[^\s,;&)}=:'"][^\s,;&)}]*)`)
	keyText    = regexp.MustCompile(`\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{20,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]+|(?i:bearer)\s+[\w.~+/-]{12,}=*)`)
)

const secretNames = `password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization`

// scrub takes what may be a secret out of a text. To do it twice changes nothing.
func scrub(text string) string {
	if strings.Contains(text, "://") {
		text = uriText.ReplaceAllStringFunc(text, func(found string) string {
			uri := strings.TrimRight(found, ".,;:)]}")
			return cutURI(uri) + found[len(uri):]
		})
	}
	if strings.ContainsAny(text, "=:") {
		text = givenText.ReplaceAllString(text, "${1}"+hidden)
	}
	return keyText.ReplaceAllString(text, hidden)
}

// cutURI cuts user info, query and fragment from an address. What can't be read as one loses all
// that could be a secret.
func cutURI(text string) string {
	if u, err := url.Parse(text); err == nil {
		u.User, u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = nil, "", "", "", false
		return u.String()
	}
	scheme, rest, _ := strings.Cut(text, "://")
	rest = rest[strings.LastIndex(rest, "@")+1:] // before it is user info, which may hold anything
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	host, path, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, ":") // behind it is no port, but perhaps a password
	return scheme + "://" + strings.TrimSuffix(host+"/"+path, "/")
}

// firstLine is what is said of an error: the evidence below it may hold values.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// scrubber is scrub, and takes out the values of parameters with names like password.
func scrubber(params map[string]string) func(string) string {
	var values []string
	for name, value := range params {
		if secretName.MatchString(name) && value != "" {
			values = append(values, value, hidden)
		}
	}
	if values == nil {
		return scrub
	}
	known := strings.NewReplacer(values...)
	return func(text string) string { return scrub(known.Replace(text)) }
}

// scrubbed is a copy of events, or of what they are made of, of which every text is scrubbed but
// those that this program gives itself.
func scrubbed[T any](all T, scrub func(string) string) T {
	return scrubValue(reflect.ValueOf(all), scrub).Interface().(T)
}

func scrubValue(v reflect.Value, scrub func(string) string) reflect.Value {
	if v.Kind() == reflect.String {
		return reflect.ValueOf(scrub(v.String())).Convert(v.Type())
	}
	if v.Type() == reflect.TypeFor[Base]() || v.IsZero() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	switch c.Set(v); v.Kind() {
	case reflect.Pointer:
		c.Set(reflect.New(v.Type().Elem()))
		c.Elem().Set(scrubValue(v.Elem(), scrub))
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Producer" && name != "SchemaURL" {
				c.Field(i).Set(scrubValue(v.Field(i), scrub))
			}
		}
	case reflect.Slice:
		c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			c.Index(i).Set(scrubValue(v.Index(i), scrub))
		}
	case reflect.Map:
		c.Set(reflect.MakeMap(v.Type()))
		for _, key := range v.MapKeys() {
			c.SetMapIndex(scrubValue(key, scrub), scrubValue(v.MapIndex(key), scrub))
		}
	}
	return c
}
