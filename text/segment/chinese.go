package segment

// Chinese appends the words of s.
func Chinese(dst []Word, s string) []Word { return English(dst, s) }
