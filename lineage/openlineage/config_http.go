package openlineage

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// defaultTimeout is that of the official clients.
const defaultTimeout = 5 * time.Second

func (r *reader) http(where, name string, s settings) ([]Transport, error) {
	if err := s.check(where, "url", "endpoint", "timeout", "timeout_in_millis", "verify", "auth", "compression", "custom_headers", "headers", "retry"); err != nil {
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
	if err := s.sub("retry").check(where+": retry", "total", "backoff_factor", "status_forcelist", "read", "connect", "allowed_methods"); err != nil {
		return nil, err
	}
	if err := srv.retrying(s.sub("retry")); err != nil {
		return nil, invalid("%s: retry: %v", where, err)
	}
	srv.headers = map[string]Secret{}
	for _, field := range []string{"custom_headers", "headers"} {
		for key := range s.sub(field) {
			srv.headers[key] = Secret(s.sub(field).text(key))
		}
	}
	return []Transport{srv}, nil
}

// retrying reads how often it is tried again, and after which answers.
func (s *server) retrying(of settings) error {
	if text := of.text("total"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 100 {
			return fmt.Errorf("total: expected a number from 0 to 100, found %q", text)
		}
		s.retries = n
	}
	if text := of.text("backoff_factor"); text != "" {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f <= 0 || f > 60 {
			return fmt.Errorf("backoff_factor: expected seconds from 0 to 60, found %q", text)
		}
		s.backoff = time.Duration(f * float64(time.Second))
	}
	codes, _ := of.get("status_forcelist").([]any)
	for _, code := range codes {
		n, err := strconv.Atoi(fmt.Sprint(code))
		if err != nil {
			return fmt.Errorf("status_forcelist: %v is no status", code)
		}
		s.again = append(s.again, n)
	}
	return nil
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
