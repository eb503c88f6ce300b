package serve

import (
	"log/slog"
	"slices"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/publish"
)

// SetAliases makes the server answer under these names from now on, and under no other
// aliases. Each request sees the old ones or the new ones; those under way go on with
// the model that they have. An alias hides a model of the same name. The slice must not
// change afterwards.
func (s *Server) SetAliases(aliases []publish.Alias) { s.aliases.Store(&aliases) }

// alias returns what stands behind a name, or nil.
func (s *Server) alias(name string) *publish.Alias {
	aliases := s.aliases.Load()
	if aliases == nil {
		return nil
	}
	i := slices.IndexFunc(*aliases, func(a publish.Alias) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &(*aliases)[i]
}

// listed returns what a request may name: aliases with a current release, then models.
func (s *Server) listed() []ModelInfo {
	models := s.engine.Models()
	aliases := s.aliases.Load()
	if aliases == nil || len(*aliases) == 0 {
		return models
	}
	var out []ModelInfo
	for _, a := range *aliases {
		if a.Current == nil {
			continue
		}
		i := slices.IndexFunc(models, func(m ModelInfo) bool { return m.ID == a.Current.Model })
		if i < 0 {
			continue
		}
		info := models[i]
		info.ID, info.Kind, info.Parent, info.Created = a.Name, KindAlias, a.Current.Model, a.Updated
		out = append(out, info)
	}
	for _, m := range models {
		if !slices.ContainsFunc(out, func(a ModelInfo) bool { return a.ID == m.ID }) {
			out = append(out, m)
		}
	}
	return out
}

// answering returns the model that answers a request under a name: the name's own, or
// the release that an alias picks for the request's ID.
func (s *Server) answering(request *request, name, id string) (ModelInfo, *failure) {
	a := s.alias(name)
	if a == nil {
		return findModel(s.listed(), name)
	}
	r := a.Pick(id)
	if r == nil { // a trial alone, which this request is not of
		return findModel(s.listed(), name)
	}
	request.attrs = append(request.attrs, slog.String("alias", name), slog.Int64("release", r.Number))
	m, f := findModel(s.engine.Models(), r.Model)
	if f == nil {
		m.Fingerprint = ReleaseFingerprint(r.Digest)
	}
	return m, f
}

// ReleaseFingerprint is the system_fingerprint of answers through an alias: the start of
// the digest of the model that was judged before it was put there.
func ReleaseFingerprint(model troika.Digest) string { return "fp_" + model.Hex()[:16] }
