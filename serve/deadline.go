package serve

import (
	"net/http"
	"strconv"
	"time"
)

// timeoutHeader says how many seconds an answer may take.
const timeoutHeader = "X-Request-Timeout"

// longestTimeout bounds what a header may ask for, where the server sets no bound.
const longestTimeout = 24 * time.Hour

// until returns when the answer to a request must be done, zero for never: the sooner of
// what the server and the request say.
func (s *Server) until(r *http.Request) (time.Time, *failure) {
	most := s.deadline
	if text := r.Header.Get(timeoutHeader); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || !(seconds > 0 && seconds <= longestTimeout.Seconds()) {
			return time.Time{}, badRequest("", "Invalid header %s: %.40q is no number of seconds above 0 and up to %g.",
				timeoutHeader, text, longestTimeout.Seconds())
		}
		if own := time.Duration(seconds * float64(time.Second)); most == 0 || own < most {
			most = own
		}
	}
	if most == 0 {
		return time.Time{}, nil
	}
	return time.Now().Add(most), nil
}
