package extract

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troikaml/troika/text"
)

// facts are counts over the text of a block.
type facts struct {
	words, function, upper, digits, letters int32
	commas, stops, marks                    int32 // commas; ends of sentences; other punctuation
	boiler                                  int32 // words that sites use around content
	runes                                   int32
	endsStop, startsUpper, ellipsis         bool
	clock, copyright, at, credit            bool
}

// functionWords carry grammar, not matter: prose is full of them, menus are
// not. For Chinese single characters count.
var functionWords = set(`
the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which you were
we there been their has would what will if can who more no about so than them its only into your do our
der die das und in zu den von mit ist im für auf nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer
um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde wir ich sich dem des
le la les de des et à un une du en est que pour qui dans ce il sur pas au plus par je avec tout ne se sont
el los las y en un una por con no para es se del al lo como más pero sus
di che il e per non sono una con si da come della nel
het een van en dat niet voor met zijn op aan
o os um uma não com em do da
i w nie na z się do że
и в не на что с по как это к за из у`)

const functionCharacters = "的一是了不在有和人这為为之与與也而就都说到对對于於以及其或被把从從但可能会會将將要所因此该該使用您我他它们們很更最此着着過过后後时時"

var functionHan = func() map[rune]bool {
	m := map[rune]bool{}
	for _, r := range functionCharacters {
		m[r] = true
	}
	return m
}()

var boilerWords = set(`
comment comments share tweet facebook twitter google pinterest linkedin whatsapp email print newsletter subscribe follow
copyright reserved rights cookie cookies privacy terms login register sign related read more posted tags category
categories tagged filed under reply leave search menu home contact advertisement sponsored previous next older newer archives
kommentar kommentare teilen drucken impressum datenschutz datenschutzerklärung agb anmelden registrieren weiterlesen mehr
verwandte ähnliche artikel beitrag beiträge schlagwörter kategorie kategorien tags abonnieren startseite kontakt suche werbung
anzeige veröffentlicht weitere themen newsletter vorheriger nächster antworten gefällt
commentaires partager imprimer lire suite accueil abonnez articles similaires connexion`)

// boilerHan are the same words in Chinese. They are searched for, as nothing
// parts words there.
var boilerHan = strings.Fields(`评论 分享 登录 注册 上一篇 下一篇 相关 推荐 阅读 首页 版权 编辑 来源 作者 收藏 举报 转载 热门 排行 返回 搜索
关注 点赞 订阅 广告 更多 導航 导航 評論 登入 註冊 相關 推薦 閱讀 首頁 版權 編輯 來源 檢舉 轉載 熱門 搜尋 關注 訂閱 廣告`)

// creditWords say who made a picture, or where a text comes from.
var creditWords = set(`foto fotos photo photos bild bilder titelbild beitragsbild bildquelle image images picture credit
credits courtesy getty reuters afp dpa ap shutterstock istock unsplash pixabay imago quelle source via copyright screenshot`)

var creditHan = strings.Fields(`来源 责编 编辑 摄影 图片 記者 记者 來源 編輯 攝影 圖片`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// counter counts over a text, word by word.
type counter struct {
	facts
	word  [24]byte
	n     int  // bytes of the word at work; over len(word) it is in no list
	title bool // it begins with a capital

	unspaced bool // there are letters of scripts without spaces
}

// look counts over a text, or the beginning of a long one: the rest does not
// change what it is.
func look(s string) facts {
	const most = 2000
	c := counter{facts: facts{endsStop: lastStop(s)}}
	if len(s) > most {
		end := most
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	prev := rune(' ')
	for i, r := range s {
		c.runes++
		switch {
		case 'a' <= r && r <= 'z':
			c.ascii(byte(r))
		case 'A' <= r && r <= 'Z':
			if c.n == 0 {
				c.title = true
				c.startsUpper = c.startsUpper || c.words == 0
			}
			c.ascii(byte(r) | 0x20)
		case '0' <= r && r <= '9':
			c.end()
			c.digits++
		case r < utf8.RuneSelf:
			c.end()
			c.punctuation(s, i, r, prev)
		default:
			c.letter(r)
		}
		prev = r
	}
	c.end()
	if c.unspaced {
		c.wordsHan(s)
	}
	return c.facts
}

// wordsHan counts the words of the lists in a text without spaces, each by its
// characters, as all words are counted there.
func (c *counter) wordsHan(s string) {
	for _, w := range boilerHan {
		if n := strings.Count(s, w); n > 0 {
			c.boiler += int32(n * utf8.RuneCountInString(w))
		}
	}
	c.credit = c.credit || slices.ContainsFunc(creditHan, func(w string) bool { return strings.Contains(s, w) })
}

// ascii takes a lower-case letter.
func (c *counter) ascii(b byte) {
	if c.n < len(c.word) {
		c.word[c.n] = b
	}
	c.n++
	c.letters++
}

// end ends the word at work.
func (c *counter) end() {
	if c.n == 0 {
		return
	}
	c.words++
	if c.n <= len(c.word) {
		if functionWords[string(c.word[:c.n])] {
			c.function++
		}
		if creditWords[string(c.word[:c.n])] {
			c.credit = true
		}
		if boilerWords[string(c.word[:c.n])] {
			c.boiler++
		}
	}
	if c.title {
		c.upper++
	}
	c.n, c.title = 0, false
}

// punctuation takes an ASCII character that is neither letter nor digit.
func (f *facts) punctuation(s string, i int, r, prev rune) {
	switch r {
	case ' ', '\n', '\t':
	case ',', ';':
		f.commas++
	case '.', '!', '?':
		if i+1 == len(s) || s[i+1] <= ' ' || s[i+1] == '"' {
			f.stops++
		}
		f.ellipsis = i+1 == len(s) && prev == '.'
	case ':':
		isDigit := func(j int) bool { return j >= 0 && j < len(s) && '0' <= s[j] && s[j] <= '9' }
		f.clock = f.clock || isDigit(i-1) && isDigit(i+1) && isDigit(i+2) && !isDigit(i+3)
	case '@':
		f.at = true
	default:
		f.marks++
	}
}

// letter takes a character beyond ASCII.
func (c *counter) letter(r rune) {
	switch {
	case r == '，' || r == '、' || r == '；' || r == '،':
		c.end()
		c.commas++
	case r == '。' || r == '！' || r == '？' || r == '…':
		c.end()
		c.stops++
		c.ellipsis = r == '…'
	case r == '©':
		c.end()
		c.copyright = true
	case text.IsUnspaced(r):
		c.end()
		c.unspaced = true
		c.words++
		c.letters++
		if functionHan[r] {
			c.function++
		}
	case unicode.IsLetter(r) || unicode.IsMark(r):
		if c.n == 0 && unicode.IsUpper(r) {
			c.title = true
		}
		c.letters++
		var b [utf8.UTFMax]byte
		size := utf8.EncodeRune(b[:], unicode.ToLower(r))
		if c.n+size <= len(c.word) {
			copy(c.word[c.n:], b[:size])
		}
		c.n += size
	default:
		c.end()
		c.marks++
	}
}

func lastStop(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, " \n\t\"'”“’»)）」』"))
	return strings.ContainsRune(".!?。！？…:：;", r)
}
