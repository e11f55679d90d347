package penstock

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/penstock-data/penstock/lineage/openlineage"
	"github.com/penstock-data/penstock/pipeline"
	"github.com/penstock-data/penstock/reconcile/night"
)

// How a night is told, and the bounds of it.
const (
	notifyTimeout  = 10 * time.Second
	notifyAttempts = 3
	notifyWait     = 500 * time.Millisecond // after the first; doubled after each
	maxTold        = 1 << 20                // bytes of a summary
	maxHeard       = 2000                   // bytes that are shown of what a hook said
	hookGrace      = 2 * time.Second        // for what a hook that was killed has left running
)

// notifyNight tells of a night, if it is one to tell of.
func (p *Project) notifyNight(ctx context.Context, of *pipeline.Night, n *night.Night, told *NightTold) {
	to, at := of.Notify, ""
	if of.At.File != "" {
		at = of.At.String() + ": "
	}
	if to == nil || !tells(to.When, n) {
		return
	}
	body, err := night.Summary(scrubbedNight(n), maxTold)
	if err != nil {
		told.Problems = append(told.Problems, err)
		return
	}
	if len(to.Command) > 0 {
		if err := p.runHook(ctx, to, n, body); err != nil {
			told.Problems = append(told.Problems, fmt.Errorf("%snight %s: the command %s %w", at, n.Partition, strconv.Quote(to.Command[0]), err))
		}
	}
	if to.Webhook != "" {
		if err := p.post(ctx, to, n, body); err != nil {
			told.Problems = append(told.Problems, fmt.Errorf("%snight %s: the webhook %v was not told: %w", at, n.Partition, to.Webhook, err))
		}
	}
}

// tells reports whether a night is one to tell of. Of one whose breaks are not known a person must
// look anyway.
func tells(when pipeline.When, n *night.Night) bool {
	switch when {
	case pipeline.WhenAlways:
		return true
	case pipeline.WhenNew:
		return n.Attention || n.Counts == nil || n.Counts.Fresh() > 0
	}
	return n.Attention
}

// scrubbedNight is a night without what may be a secret in why its run failed.
func scrubbedNight(n *night.Night) *night.Night {
	told := *n
	told.Error, told.Rests, told.Why = openlineage.Scrub(n.Error), openlineage.Scrub(n.Rests), []string{}
	for _, w := range n.Why {
		told.Why = append(told.Why, openlineage.Scrub(w))
	}
	return &told
}

// runHook runs the command, and all that it starts no longer than it may take.
func (p *Project) runHook(ctx context.Context, to *pipeline.Notify, n *night.Night, body []byte) error {
	wait := cmp.Or(to.Timeout, notifyTimeout)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	cmd := exec.CommandContext(ctx, to.Command[0], to.Command[1:]...)
	said := &tail{}
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.dir, bytes.NewReader(body), said, said
	cmd.Env = append(os.Environ(), hookEnv(n)...)
	cmd.WaitDelay = hookGrace
	endTogether(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("did not end within %v, and was killed%s", wait, said)
	case ctx.Err() != nil:
		return fmt.Errorf("was stopped: %w", ctx.Err())
	case errors.Is(err, exec.ErrWaitDelay):
		_ = cmd.Cancel() // the group has outlived who led it
		return fmt.Errorf("ended, but not what it had started, which was killed after %v%s", hookGrace, said)
	case errors.As(err, &exit):
		return fmt.Errorf("ended with %s%s", exit.ProcessState, said)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return errors.New("can't be run: it is not executable (`chmod +x` makes it), or may not be read")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("can't be run: there is no such command, or what its first line names is not there; it is looked for in $PATH, with a / in it in %s", p.dir)
	}
	return fmt.Errorf("can't be run: %w", err)
}

// hookEnv are the variables of a command. They are not called as flags are, which a penstock that
// the command runs would take for its own.
func hookEnv(n *night.Night) []string {
	env := []string{
		"PENSTOCK_NIGHT_STATUS=" + string(n.Status), "PENSTOCK_NIGHT_PIPELINE=" + n.Pipeline, "PENSTOCK_NIGHT_PARTITION=" + n.Partition,
		"PENSTOCK_NIGHT_RUN=" + n.Run, "PENSTOCK_NIGHT_ATTENTION=" + strconv.FormatBool(n.Attention),
	}
	for _, name := range []string{"NEW", "REOPENED", "OPEN", "ACCEPTED", "CLEARED", "DELTA"} {
		value := ""
		if c := n.Counts; c != nil {
			value = map[string]string{
				"NEW": strconv.FormatInt(c.New, 10), "REOPENED": strconv.FormatInt(c.Reopened, 10), "OPEN": strconv.FormatInt(c.Standing(), 10),
				"ACCEPTED": strconv.FormatInt(c.Accepted, 10), "CLEARED": strconv.FormatInt(c.Cleared, 10), "DELTA": c.Delta.String(),
			}[name]
		}
		env = append(env, "PENSTOCK_NIGHT_"+name+"="+value)
	}
	for i, v := range env {
		env[i] = strings.ReplaceAll(v, "\x00", "")
	}
	return env
}

// tail keeps the last that was written to it.
type tail struct {
	text    []byte
	secrets []string // which it does not show
}

func (t *tail) Write(text []byte) (int, error) {
	t.text = append(t.text, text[max(0, len(text)-maxHeard):]...)
	t.text = t.text[max(0, len(t.text)-maxHeard):]
	return len(text), nil
}

// String is what to say of it behind an error, on its line: a server or a program could else tell a
// terminal, or who reads a log for orders, what to do.
func (t *tail) String() string {
	text := openlineage.Scrub(strings.ToValidUTF8(string(t.text), "?"))
	for _, secret := range t.secrets {
		text = strings.ReplaceAll(text, secret, "...")
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if text == "" {
		return ""
	}
	return ": " + text
}

// minSecret is how long a part of an address is that may be a secret; shorter ones are words.
const minSecret = 5

// secretsOf are the parts of an address that may be secrets, the longest first: a server may say them
// again.
func secretsOf(u *url.URL) (all []string) {
	parts := []string{u.RequestURI(), u.RawQuery, u.Path, u.User.Username(), u.User.String()}
	password, _ := u.User.Password()
	parts = append(append(parts, password), strings.Split(u.Path, "/")...)
	parts = append(parts, strings.Split(u.EscapedPath(), "/")...)
	for name, values := range u.Query() {
		parts = append(append(parts, name), values...)
	}
	for _, part := range parts {
		if len(part) >= minSecret {
			all = append(all, part)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}

// post posts the summary, and again if the server has trouble.
func (p *Project) post(ctx context.Context, to *pipeline.Notify, n *night.Night, body []byte) error {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if p.dial != nil {
		transport.DialContext = p.dial
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: cmp.Or(to.Timeout, notifyTimeout),
		// The address is a key to somewhere: nothing is sent elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var err error
	for i := range notifyAttempts {
		if i > 0 {
			if serr := p.sleep(ctx, notifyWait<<(i-1)); serr != nil {
				return err
			}
		}
		again := false
		if again, err = postOnce(ctx, client, string(to.Webhook), n, body); err == nil || !again || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("%w, %d times", err, notifyAttempts)
}

// postOnce reports whether it may help to try again.
func postOnce(ctx context.Context, client *http.Client, address string, n *night.Night, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("it is no address")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "penstock")
	if n.Run != "" {
		req.Header.Set("Idempotency-Key", n.Run)
	}
	resp, err := client.Do(req)
	var u *url.Error
	if errors.As(err, &u) { // without the address, which may hold a secret
		if u.Timeout() {
			return true, fmt.Errorf("no answer within %v", client.Timeout)
		}
		return true, u.Err
	}
	if err != nil {
		return true, err
	}
	defer resp.Body.Close()
	said := &tail{secrets: secretsOf(req.URL)}
	_, _ = io.Copy(said, io.LimitReader(resp.Body, maxHeard)) // it only says more of the status
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return false, nil
	case code >= 300 && code < 400:
		return false, fmt.Errorf("it answers with HTTP status %d, a redirect, which is not followed", code)
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return true, fmt.Errorf("it answers with HTTP status %d%s", code, said)
	default:
		return false, fmt.Errorf("it answers with HTTP status %d%s", code, said)
	}
}
