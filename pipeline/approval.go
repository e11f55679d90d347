package pipeline

import "time"

// Approval is a person's decision that a partition may be published although a gate
// blocked it. It holds for just these bytes under just this rule.
type Approval struct {
	// Run is the blocked run, Stage and Gate the finding that is overruled.
	Run   string `json:"run"`
	Stage string `json:"stage"`
	Gate  string `json:"gate"`
	// Bytes is the digest of what was staged, Rules that of the rules that judged it.
	Bytes string `json:"bytes"`
	Rules string `json:"rules"`

	Reason  string    `json:"reason"`
	Actor   string    `json:"actor"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires,omitzero"`
}
