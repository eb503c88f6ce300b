package grammar

// The parts of dates (RFC 3339). The 29th of February is there in leap years alone; leap
// seconds are not.
const (
	dateExpr = `(\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))` +
		`|(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)`
	timeExpr = `([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)`
)

// The parts of addresses (RFC 3986).
const (
	octetExpr = `(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`
	ipv4Expr  = octetExpr + `(\.` + octetExpr + `){3}`
	h16       = `[0-9A-Fa-f]{1,4}`
	ls32      = `(` + h16 + `:` + h16 + `|` + ipv4Expr + `)`
	ipv6Expr  = `((` + h16 + `:){6}` + ls32 +
		`|::(` + h16 + `:){5}` + ls32 +
		`|(` + h16 + `)?::(` + h16 + `:){4}` + ls32 +
		`|((` + h16 + `:){0,1}` + h16 + `)?::(` + h16 + `:){3}` + ls32 +
		`|((` + h16 + `:){0,2}` + h16 + `)?::(` + h16 + `:){2}` + ls32 +
		`|((` + h16 + `:){0,3}` + h16 + `)?::` + h16 + `:` + ls32 +
		`|((` + h16 + `:){0,4}` + h16 + `)?::` + ls32 +
		`|((` + h16 + `:){0,5}` + h16 + `)?::` + h16 +
		`|((` + h16 + `:){0,6}` + h16 + `)?::)`
	labelExpr  = `[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?`
	hostExpr   = labelExpr + `(\.` + labelExpr + `){0,3}`
	pctExpr    = `%[0-9A-Fa-f]{2}`
	pchar      = `([A-Za-z0-9._~!$&'()*+,;=:@-]|` + pctExpr + `)`
	afterExpr  = `(\?(` + pchar + `|[/?])*)?(#(` + pchar + `|[/?])*)?`
	authority  = `(([A-Za-z0-9._~!$&'()*+,;=:-]|` + pctExpr + `)*@)?([A-Za-z0-9._~!$&'()*+,;=-]|` + pctExpr + `)*(:\d*)?`
	uriExpr    = `[A-Za-z][A-Za-z0-9+.-]*:(//` + authority + `(/` + pchar + `*)*|/(` + pchar + `+(/` + pchar + `*)*)?|` + pchar + `+(/` + pchar + `*)*)?` + afterExpr
	uriRefExpr = `(` + uriExpr + `|(//` + authority + `(/` + pchar + `*)*|/(` + pchar + `+(/` + pchar + `*)*)?` +
		`|([A-Za-z0-9._~!$&'()*+,;=@-]|` + pctExpr + `)+(/` + pchar + `*)*)?` + afterExpr + `)`
	atomExpr    = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
	pointerExpr = `(/([^/~]|~[01])*)*`
)

// formats are the formats that are held to. Each is narrower than the format where an
// automaton cannot be exact: what is written is always of the format.
var formats = map[string]string{
	"date":      dateExpr,
	"time":      timeExpr,
	"date-time": dateExpr + `T` + timeExpr,
	"duration":  `P(\d{1,9}W|(\d{1,9}Y(\d{1,9}M(\d{1,9}D)?)?|\d{1,9}M(\d{1,9}D)?|\d{1,9}D)(T` + clockExpr + `)?|T` + clockExpr + `)`,
	"email":     atomExpr + `(\.` + atomExpr + `)?@` + hostExpr,
	"hostname":  hostExpr,
	"ipv4":      ipv4Expr,
	"ipv6":      ipv6Expr,
	"uuid":      `[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`,
	"uri":       uriExpr, "uri-reference": uriRefExpr,
	"json-pointer": pointerExpr, "relative-json-pointer": `(0|[1-9]\d*)(#|` + pointerExpr + `)`,
}

const clockExpr = `(\d{1,9}H(\d{1,9}M(\d{1,9}S)?)?|\d{1,9}M(\d{1,9}S)?|\d{1,9}S)`

// undefinedHere are the formats of JSON Schema that no automaton here knows.
var undefinedHere = map[string]bool{
	"idn-email": true, "idn-hostname": true, "iri": true, "iri-reference": true, "uri-template": true, "regex": true,
}
