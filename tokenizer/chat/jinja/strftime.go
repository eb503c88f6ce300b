package jinja

import (
	"strconv"
	"strings"
	"time"
)

// strftime formats t as Python's datetime.strftime does in the C locale on
// Linux, for a datetime without a time zone.
func strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		flag := byte(0)
		if strings.IndexByte("-_0^#", format[i]) >= 0 && i+1 < len(format) {
			flag = format[i]
			i++
		}
		text, ok := directive(t, format[i])
		if !ok {
			b.WriteByte('%')
			if flag != 0 {
				b.WriteByte(flag)
			}
			b.WriteByte(format[i])
			continue
		}
		b.WriteString(withFlag(text, flag))
	}
	return b.String()
}

// withFlag applies glibc's flags: "-" no padding, "_" spaces, "0" zeros, "^"
// upper case, "#" the other case.
func withFlag(text string, flag byte) string {
	isNumber := text != "" && strings.Trim(text, "0123456789 ") == ""
	switch {
	case flag == '^':
		return strings.ToUpper(text)
	case flag == '#' && !isNumber:
		if text == "AM" || text == "PM" {
			return strings.ToLower(text)
		}
		return strings.ToUpper(text)
	case !isNumber || flag == 0 || flag == '#':
		return text
	}
	width := len(text)
	text = strings.TrimLeft(text, "0 ")
	if text == "" {
		text = "0"
	}
	switch flag {
	case '_':
		return strings.Repeat(" ", width-len(text)) + text
	case '0':
		return pad(text, width)
	}
	return text
}

// directive formats one conversion.
func directive(t time.Time, c byte) (string, bool) {
	if layout, ok := layouts[c]; ok {
		return t.Format(layout), true
	}
	two := func(n int) string { return pad(strconv.Itoa(n), 2) }
	year, week := t.ISOWeek()
	hour12 := (t.Hour()+11)%12 + 1
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'Z', 'z':
		return "", true // no time zone
	case 'C':
		return two(t.Year() / 100), true
	case 'f':
		return pad(strconv.Itoa(t.Nanosecond()/1000), 6), true
	case 'G':
		return strconv.Itoa(year), true
	case 'g':
		return two(year % 100), true
	case 'H':
		return two(t.Hour()), true
	case 'I':
		return two(hour12), true
	case 'j':
		return pad(strconv.Itoa(t.YearDay()), 3), true
	case 'k':
		return padSpace(t.Hour()), true
	case 'l':
		return padSpace(hour12), true
	case 'P':
		return strings.ToLower(t.Format("PM")), true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1), true
	case 'U':
		return two((t.YearDay() + 6 - int(t.Weekday())) / 7), true
	case 'V':
		return two(week), true
	case 'w':
		return strconv.Itoa(int(t.Weekday())), true
	case 'W':
		return two((t.YearDay() + 6 - (int(t.Weekday())+6)%7) / 7), true
	case 'Y':
		return strconv.Itoa(t.Year()), true
	}
	return "", false
}

func padSpace(n int) string {
	if n < 10 {
		return " " + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan",
	'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06", 'e': "_2",
	'F': "2006-01-02", 'm': "01", 'M': "04", 'p': "PM", 'r': "03:04:05 PM",
	'R': "15:04", 'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05",
	'y': "06",
}
