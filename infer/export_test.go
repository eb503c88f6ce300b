package infer

// HeldPages counts pages that sequences hold. No sequence may be running.
func (e *Engine) HeldPages() int {
	e.Close()
	held := 0
	for _, n := range e.pages.uses {
		held += n
	}
	if len(e.pages.free)+e.pages.idle.Len() != len(e.pages.uses) {
		held += len(e.pages.uses) - len(e.pages.free) - e.pages.idle.Len()
	}
	return held
}
