package serve

import (
	"net/http"
	"strings"
)

type modelBody struct {
	ID            string    `json:"id"`
	Object        string    `json:"object"`
	Created       int64     `json:"created"`
	OwnedBy       string    `json:"owned_by"`
	ContextLength int       `json:"context_length"`
	Kind          ModelKind `json:"kind"`
	Parent        string    `json:"parent,omitempty"`
	Fingerprint   string    `json:"fingerprint,omitempty"`
}

func newModelBody(m ModelInfo) modelBody {
	return modelBody{
		ID: m.ID, Object: "model", Created: m.Created.Unix(), OwnedBy: m.OwnedBy,
		ContextLength: m.ContextLength, Kind: m.Kind, Parent: m.Parent, Fingerprint: m.Fingerprint,
	}
}

func (s *Server) serveModels(w http.ResponseWriter, _ *http.Request) {
	data := []modelBody{}
	for _, m := range s.listed() {
		data = append(data, newModelBody(m))
	}
	s.writeJSON(w, http.StatusOK, struct {
		Object string      `json:"object"`
		Data   []modelBody `json:"data"`
	}{"list", data})
}

func (s *Server) serveModel(w http.ResponseWriter, r *http.Request) {
	m, f := findModel(s.listed(), wildcard(r))
	if f != nil {
		s.writeFailure(w, f)
		return
	}
	s.writeJSON(w, http.StatusOK, newModelBody(m))
}

// findModel looks a model up by its ID.
func findModel(models []ModelInfo, id string) (ModelInfo, *failure) {
	for _, m := range models {
		if m.ID == id {
			return m, nil
		}
	}
	// Enough names to see a typing mistake, few enough to read.
	const shown = 20
	var names []string
	for _, m := range models[:min(len(models), shown)] {
		names = append(names, m.ID)
	}
	list := strings.Join(names, ", ")
	switch {
	case len(models) == 0:
		list = "none"
	case len(models) > shown:
		list += ", ..."
	}
	return ModelInfo{}, newFailure(http.StatusNotFound, typeRequest, "model_not_found", "model",
		"The model '%.200s' does not exist. Available: %s.", id, list)
}
