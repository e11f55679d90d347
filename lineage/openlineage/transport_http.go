package openlineage

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// server is a transport to one that takes events by HTTP.
type server struct {
	name    string
	url     string
	key     Secret
	headers map[string]Secret
	gzip    bool
	again   []int // statuses after which it is tried again, beside those of the server's own trouble
	retries int   // how often
	backoff time.Duration
	client  *http.Client
}

// newServer makes a transport of what a config says.
func newServer(name, url string, timeout time.Duration, verify bool) *server {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if !verify {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // as its user says
	}
	return &server{
		name: name, url: url, retries: defaultRetries, backoff: firstWait,
		client: &http.Client{
			Timeout: timeout, Transport: t,
			// A key must not go where nobody meant it to.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (s *server) Name() string { return s.name }

func (s *server) Send(ctx context.Context, events [][]byte) error {
	for i, e := range events {
		err := s.post(ctx, e)
		var refused *Refused
		if errors.As(err, &refused) {
			refused.Event = i
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *server) post(ctx context.Context, event []byte) error {
	body, err := s.body(event)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if s.key != "" {
		req.Header.Set("Authorization", "Bearer "+string(s.key))
	}
	for name, value := range s.headers {
		req.Header.Set(name, string(value))
	}
	resp, err := s.client.Do(req)
	var u *url.Error
	if errors.As(err, &u) && u.Timeout() {
		return fmt.Errorf("no answer within %v", s.client.Timeout)
	}
	if err != nil {
		return withoutURL(err)
	}
	defer resp.Body.Close()
	return s.answer(resp)
}

func (s *server) body(event []byte) ([]byte, error) {
	if !s.gzip {
		return event, nil
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(event)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 300

func (s *server) answer(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case slices.Contains(s.again, code), code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return fmt.Errorf("HTTP status %d", code)
	case code >= 300 && code < 400:
		return &Refused{Status: code, Reason: "it redirects to " + cutURI(resp.Header.Get("Location")) + ", which is not followed"}
	default:
		if err != nil || len(text) == 0 {
			text = []byte(http.StatusText(code))
		}
		return &Refused{Status: code, Reason: scrub(strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " "))}
	}
}

// withoutURL is the error of a request without its address, which may hold a secret.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
