package anthropic

import (
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-llm/holdfast/internal/server"
)

var _ server.RateTeller = (*API)(nil)

// TellRates sets the headers that this API's clients know. A key has one limit for
// the tokens read and written together; as neither can be more than that, it is
// told of each as well: agents look at those.
func (a *API) TellRates(h http.Header, requests, tokens server.Rate) {
	now := a.o.Now()
	tell(h, "Requests", requests, now)
	for _, what := range []string{"Tokens", "Input-Tokens", "Output-Tokens"} {
		tell(h, what, tokens, now)
	}
}

// tell sets the three headers of a limit. The time of its reset is in whole
// seconds, and not too early.
func tell(h http.Header, what string, r server.Rate, now time.Time) {
	if r.Max == 0 {
		return
	}
	const begin = "Anthropic-Ratelimit-"
	h.Set(begin+what+"-Limit", strconv.FormatInt(r.Max, 10))
	h.Set(begin+what+"-Remaining", strconv.FormatInt(r.Left, 10))
	reset := now.Add(r.Full + time.Second - 1).UTC().Truncate(time.Second)
	h.Set(begin+what+"-Reset", reset.Format(time.RFC3339))
}
