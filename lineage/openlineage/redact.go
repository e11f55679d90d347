package openlineage

import (
	"net/url"
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

// uriText finds addresses in a text.
var uriText = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>` + "`" + `]+`)

// scrub cuts user info, query and fragment from all addresses in a text.
func scrub(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return uriText.ReplaceAllStringFunc(text, func(found string) string {
		uri := strings.TrimRight(found, ".,;:)]}")
		return cutURI(uri) + found[len(uri):]
	})
}

// cutURI cuts user info, query and fragment from an address. What can't be read as one loses all
// that could be a secret.
func cutURI(text string) string {
	if u, err := url.Parse(text); err == nil {
		u.User, u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = nil, "", "", "", false
		return u.String()
	}
	scheme, rest, _ := strings.Cut(text, "://")
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	host, path, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndex(host, "@")+1:]
	return scheme + "://" + strings.TrimSuffix(host+"/"+path, "/")
}

// firstLine is what is said of an error: the evidence below it may hold values.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return scrub(line)
}
