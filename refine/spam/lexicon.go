package spam

import "strings"

// Weights of evidence. A segment of one strong term is a hit; several telling
// characters make one. A weak term makes a segment count neither way.
const (
	strongTerm   = 1.0
	weakTerm     = 0.25
	strongRune   = 0.7
	weakRune     = 0.2
	againstTerm  = -1.0
	mostEvidence = 1.2 // of one segment
)

// The lists below are in Simplified characters and lower case; texts are folded
// to that before they are looked up.

// strong are terms that hardly occur outside spam, but for texts about it.
const strong = `
无码 有码 情色 色情 成人片 成人网 三级片 激情片 裸聊 一夜情 约炮 人妻 熟女 巨乳 丝袜 制服诱惑 口交 做爱 性爱
性交 自慰 偷拍 换妻 嫩模 骚货 高潮 毛片 黄片 番号 艳照 春药 包养 楼凤 援交 小黄片 国产精品 精品国产 一区二区
二区三区 中文字幕 字幕在线 久久精品 久久综合 亚洲综合 欧美综合 在线观看 免费观看 高清无 日韩欧美 欧美日韩
美女视频 自拍视频 激情视频 福利视频 午夜福利 福利姬 主播福利 性感美女 在线播放 观看视频
赌场 赌博 博彩 赌球 赌盘 娱乐城 娱乐场 彩金 六合彩 时时彩 彩票平台 彩票网 体彩 足彩 投注 下注 赔率 开奖 百家乐
轮盘 老虎机 棋牌 捕鱼 真人视讯 真人娱乐 葡京 金沙 银河娱乐 太阳城 皇冠 威尼斯人 永利 注册送 首存 返水 提款 送彩
开户送 体验金 盘口 外围 北京赛车 幸运飞艇 快三 快3 pk10 bet365 必发 竞彩 私彩 网投 澳门新 平特 一码中特 内幕资料
代开 发票 办证 刻章 假证 毕业证 学历证 套现 提额 黑户 无抵押 小额贷 网贷 贷款 秒批 放款 刷单 刷钻 兼职 日结
网赚 日赚 躺赚 加微信 微信号 加qq 迷药 催情 壮阳 伟哥 延时 增大 代孕 私服 外挂 黑客 破解版 枪支 窃听 定位找人
私家侦探 查开房 信用卡 养卡 跑分 洗钱 假币 仿牌 高仿 莆田鞋 外汇平台 传销 股票配资 配资 减肥药 丰胸 包过
床戏 激情戏 全裸 露点 走光 色图 色网 色播 撸管 打飞机 射精 内射 中出 肉棒 鸡巴 迷奸 强暴 乱伦 肉丝 黑丝 翘臀 美臀
大奶 奶子 美乳 酥胸 脱衣 陪聊 陪睡 上门服务 伴游 莞式 桑拿会所 羞羞 黄漫 韩漫 里漫 无修 无马 素人 熟妇 痴汉 痴女 性奴 情欲
欲望 爱爱 伦理片 国语自产 春宫 床上 偷欢 洗澡视频 脱光 诱奸 美妇 玉足 爆操 黑料 吃瓜网 裸照 激情网
赌注 赌资 赌局 赌客 赌坊 赌船 豪赌 菠菜 荷官 视讯 电子游艺 游艺 拉霸 幸运28 加拿大28 蛋蛋 赛艇 飞艇 欢乐豆 上分 下分 充提 打码
洗码 码量 返点 返佣 反水 首充 二存 秒提 倍投 杀号 胆码 定胆 组选 直选 波色 特肖 平码 连肖 九肖 玄机 白小姐 马经 心水 报码 码报 彩图
管家婆 六和 本港台 即时比分 亚盘 欧赔 大小球 让分 波胆 分彩 球赛下 赢钱 输赢 真钱 现金网 现金游戏 金花 麻将 扑克 斗牛 骰子 竞猜 彩种
公章 驾驶证办 房产证办 代考 挂靠 答案 作弊 开票 真票 机打 信贷 借款 借钱 急用钱 放贷 空放 抵押 征信 黑白户 强制下款 代还 pos机 对公账户
收卡 电话卡 微商 货源 厂家直销 减肥 瘦身 美白 祛痘 增高 脱发 狐臭 牛皮癣 早泄 阳痿 肾虚 性药 成人用品 安全套 壮阳 精品仿 一比一 复制手机
监听 窃听器 代写 代刷 刷粉 涨粉 刷赞 引流 群发 卡盟 辅助网 挂机赚 手赚 试玩 赚金 任务平台 打字 手工 外发 快递单 论文 学历 职称 逾期 取现
`

// weak are terms that spam is full of and other pages have as well.
const weak = `
亚洲 欧美 日韩 国产 日本 香港 澳门 美女 视频 电影 影院 影视 播放 观看 高清 超清 免费 在线 直播 主播 写真 写真集
少妇 美腿 性感 诱惑 激情 午夜 深夜 福利 偷情 私密 大片 全集 完整版 无删减 手机版 手机看 资源 磁力 av vip
久久 一区 二区 三区 四区 精品 热门 秒播 免播放 字幕 自拍 成人 裸体 内衣 模特 诱人 完整 国语
娱乐 游戏 平台 官网 官方网 网址 入口 登录 登陆 注册 开户 下载 客户端 app 线路 代理 充值 提现 优惠 红包 送钱 金币 筹码
彩票 计划 走势 预测 开户 赢钱 必中 必赢 中奖 两面 单双 大小 冠军 体育 足球 篮球 电竞 国际 集团 信誉 老牌 正规
办理 代办 代理 快速 当天 急用 低息 到账 下款 额度 咨询 热线 联系 微信 扣扣 qq 接单 赚钱 暴利 项目 加盟 招商 推广
专业 本地 上门 出售 批发 厂家 价格 哪里有 哪里买 多少钱 购买 货到付款 正品 特效 见效 不反弹 无副作用 保密 同城 交友
大全 公司 长期 技巧 怎么 哪家 哪里 多少 排名 排行 地址 最快 最好 首选 权威 苹果 安卓 手机 网站 网页版 客服 最新 网上 加微 当天
破解 辅助 系列 私人 小姐 按摩 会所 桑拿 主题 漫画 本子 论坛 图库 论坛 玩家 大奖 奖金 红利 现金 银行 抵押 银行卡 收购 回收 包邮 直销 货到
`

// against are terms of news, law, medicine and teaching, in which strong terms
// are the matter that is spoken of, and of computing.
const against = `
警方 公安 民警 法院 检察 判决 判刑 嫌疑 被告 犯罪 破获 抓获 查处 打击 涉案 案件 案例 起诉 逮捕 刑事 立案 违法 执法 非法 专项
教育 教学 课程 科普 知识 健康 卫生 医生 医院 医学 临床 预防 防治 防范 防骗 警惕 反诈 治疗 症状 感染 疾病 青少年 青春期
研究 论文 调查 报告 法律 法规 条例 政策 规定 监管 治理 整治 诈骗 骗局 被骗 识破 审理 通报 曝光 新闻 记者 社会 历史 文化 文学 小说家
函数 参数 文件 命令 选项 对话框 工具栏 菜单 单元格 表格 段落 字体 格式 软件包 内核 服务器 系统 程序 窗口 属性 宏
`

// strongRunes and weakRunes are characters that many terms of spam share, known
// ones and new ones.
const (
	strongRunes = "淫嫖娼赌骚屄屌肏撸奸妓嫩"
	weakRunes   = "裸彩艳乳臀妇妻欲贷赚赔博撩爽插射舔穴湿浪荡奖牌佣嗑癖诱惑汇币壮孕"
)

// functionRunes are characters that hold sentences together.
//
// Those that stand in many phrases too (有, 不, 会, 能, 过) are not among them.
const functionRunes = "的了是在和我他她它们这那也就都而及与着把被让给对从到为以于之其如则因所但并或很还又再要已将个吗呢吧啊等使由此该每各" +
	"說说没沒當後這們來對從為給讓還將與應应若使得個"

// maxTerm is the length of the longest term, in characters.
const maxTerm = 8

// term is the key of a term: its characters, all of the first 64K, and zeros.
type term [maxTerm]uint16

// lexicon weighs terms of up to maxTerm characters and single characters.
type lexicon struct {
	terms   map[term]float64
	lengths [1 << 16]uint8 // for each first character a bit for each length of a term less 1
	runes   map[uint16]float64
}

// words is the lexicon of this package.
var words = newLexicon()

func newLexicon() *lexicon {
	l := &lexicon{terms: map[term]float64{}, runes: map[uint16]float64{}}
	// The weaker list first: a term that stands in two counts as the stronger.
	for _, list := range []struct {
		terms  string
		weight float64
	}{{weak, weakTerm}, {strong, strongTerm}, {against, againstTerm}} {
		for word := range strings.FieldsSeq(list.terms) {
			var key term
			n := 0
			for _, r := range word {
				key[n] = uint16(r)
				n++
			}
			l.terms[key] = list.weight
			l.lengths[key[0]] |= 1 << (n - 1)
		}
	}
	for _, list := range []struct {
		runes  string
		weight float64
	}{{weakRunes, weakRune}, {strongRunes, strongRune}} {
		for _, r := range list.runes {
			l.runes[uint16(r)] = list.weight
			l.lengths[r] |= 1
		}
	}
	return l
}

// weigh returns the evidence of a segment of folded characters, from
// -mostEvidence to mostEvidence. Terms do not overlap: at each place the longest
// counts.
func (l *lexicon) weigh(segment []uint16) float64 {
	sum := 0.0
	for i := 0; i < len(segment); {
		w, n := l.at(segment[i:])
		sum += w
		i += n
	}
	return max(min(sum, mostEvidence), -mostEvidence)
}

// at returns the weight and length of the longest term that s begins with, or
// the weight of its first character.
func (l *lexicon) at(s []uint16) (weight float64, length int) {
	lengths := l.lengths[s[0]]
	if lengths == 0 {
		return 0, 1
	}
	var key term
	n := copy(key[:], s)
	for ; n > 1; n-- {
		if lengths&(1<<(n-1)) != 0 {
			if w, known := l.terms[key]; known {
				return w, n
			}
		}
		key[n-1] = 0
	}
	return l.runes[s[0]], 1
}
