package formats

import (
	"net/netip"
	"strconv"
	"strings"
)

// IPv4 reports whether a text is an IPv4 address of four decimal numbers without leading
// zeros.
func IPv4(s string) bool {
	if len(s) < len("0.0.0.0") || len(s) > len("255.255.255.255") {
		return false
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is4()
}

// IPv6 reports whether a text is an IPv6 address as of RFC 4291, without a zone.
func IPv6(s string) bool {
	if len(s) < len("::") || len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") || strings.IndexByte(s, '%') >= 0 {
		return false
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6()
}

// Email reports whether a text is an e-mail address: local@domain, where local is a dot-atom
// of RFC 5322 of up to 64 bytes and domain a host name of two labels or more, the last not a
// number; up to 254 bytes, all ASCII. Display names, quoted local parts, comments and
// addresses in brackets are none.
func Email(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > 254 || len(local) > 64 || !dotAtom(local) || !hostname(domain) {
		return false
	}
	dot := strings.LastIndexByte(domain, '.')
	return dot >= 0 && !Integer(domain[dot+1:])
}

// dotAtom tests for atoms with single points between them.
func dotAtom(s string) bool {
	last := byte('.')
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.' && last == '.':
			return false
		case c != '.' && classes[c]&inAtom == 0:
			return false
		}
		last = c
	}
	return last != '.'
}

// hostname tests for labels of letters, digits and inner hyphens, as of RFC 1123.
func hostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if classes[label[i]]&inLabel == 0 {
				return false
			}
		}
	}
	return true
}

// URL reports whether a text is an absolute URL of http, https or ftp as of RFC 3986: a host
// that is a name, an IPv4 address or an IPv6 address in square brackets; perhaps a user, a
// port, a path, a query and a fragment. What is not ASCII has to be percent-encoded.
func URL(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "ftp") {
		return false
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	user := ""
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, authority = authority[:i], authority[i+1:]
	}
	tail, fragment, _ := strings.Cut(tail, "#")
	return urlChars(user, inUser) && urlChars(tail, inPath) && urlChars(fragment, inPath) && host(authority)
}

// urlChars tests for characters that may stand in a part of a URL, and percent-encoded bytes.
func urlChars(s string, in class) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case classes[c]&in != 0:
		case c == '%' && i+2 < len(s) && classes[s[i+1]]&classes[s[i+2]]&hex != 0:
			i += 2
		default:
			return false
		}
	}
	return true
}

// host tests the host of a URL with its port.
func host(s string) bool {
	if s != "" && s[0] == '[' {
		end := strings.IndexByte(s, ']')
		return end > 0 && IPv6(s[1:end]) && (end+1 == len(s) || s[end+1] == ':' && port(s[end+2:]))
	}
	name, number, ok := strings.Cut(s, ":")
	if ok && !port(number) || !hostname(name) {
		return false
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; Integer(last) {
		return IPv4(name)
	}
	return true
}

func port(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// HTTPMethod reports whether a text is a method of RFC 9110 or PATCH, in capitals.
func HTTPMethod(s string) bool {
	switch s {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return true
	}
	return false
}
