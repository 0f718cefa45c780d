package event

// Newest returns the type under which events stored as t are decoded, upcasters applied; known is false when t is not registered.
func (r *Registry) Newest(t Type) (newest Type, known bool) {
	for {
		up, old := r.upcasters[t]
		if !old {
			break
		}
		t = up.to
	}
	_, known = r.decoders[t]
	return t, known
}
