//! The long tail. A register holds far more names than anyone can list, and half of its people have one of them: without a
//! tail every pair of strangers would agree too often. These names are put together from parts, the way such names arose.

/// Patterns; each is a row of slots, and each slot is a list of parts of which one is taken.
pub(super) type Tail = &'static [&'static [&'static str]];

/// The names of a tail, by number.
pub(super) struct Compounds {
    patterns: Vec<Vec<Vec<&'static str>>>,
    len: u64,
    stride: u64,
}

impl Compounds {
    pub(super) fn new(tail: Tail) -> Self {
        let patterns: Vec<Vec<Vec<_>>> =
            tail.iter().map(|slots| slots.iter().map(|parts| parts.split(' ').collect()).collect()).collect();
        let len = patterns.iter().map(|slots| product(slots)).sum();
        Compounds { patterns, len, stride: stride(len) }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The name at a place in the ranking. A stride that shares no factor with the length visits every name once and lets
    /// neighbours in rank share no part.
    pub(super) fn name(&self, rank: u64) -> String {
        let mut number = (u128::from(rank) * u128::from(self.stride) % u128::from(self.len.max(1))) as u64;
        let mut name = String::new();
        for slots in &self.patterns {
            let size = product(slots);
            if number >= size {
                number -= size;
                continue;
            }
            for parts in slots {
                name.push_str(parts[(number % parts.len() as u64) as usize]);
                number /= parts.len() as u64;
            }
            break;
        }
        title(&name.replace('_', " "))
    }
}

/// Capitals where English puts them: at the start, after a space, a hyphen, an apostrophe or "Mc".
pub(super) fn title(name: &str) -> String {
    let mut titled = String::with_capacity(name.len());
    let mut start = true;
    for (at, c) in name.char_indices() {
        if start && c.is_alphabetic() {
            titled.extend(c.to_uppercase());
        } else {
            titled.push(c);
        }
        let rest = &name[at + c.len_utf8()..];
        // "O'Connor", but "Jamal's" and "Sa'ad" stay as they are: what follows an apostrophe is capital after one letter.
        start = matches!(c, ' ' | '-') || (matches!(c, '\'' | '’') && at == 1 && rest.len() > 1);
        start |= c == 'c' && at == 1 && name.starts_with(['m', 'M']) && rest.len() > 2;
    }
    titled
}

fn product(slots: &[Vec<&str>]) -> u64 {
    slots.iter().map(|parts| parts.len() as u64).product()
}

fn stride(len: u64) -> u64 {
    let mut stride = (len * 618 / 1000).max(1);
    while gcd(stride, len) > 1 {
        stride += 1;
    }
    stride
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

// A list that begins with a space has an empty part; an underscore stands for a space inside a name.
pub(super) const ENGLISH: Tail = &[
    &[
        "abber adder al ald an ap ard arn ash aud ayl bal bam ban bas bat beck ber bick bing black blen bos box \
         brad bram brom bul bur burn cal car caw chal chel chin clap cles clif cod col copp cor cran crook cul cut \
         dal dar den dib don dray drax dul dun dur east eg el elm en esk ever fal farn faul fen fil flam flax fris \
         gar gold gras green gris hack had hal ham hamp har hart has hather haw hazel hed hen hib hin hod hol horn \
         hur hux il ing kel ken kim king kings kirk lam lang led lin lit lock lud lyn mal man mar mas mel mid mil \
         mor mut nat new nor oak ol old or ot pax pem pen pick pool prest rad ran red rip ris rock rom row rud ruth \
         sal scar sed sel shel ship sit sken smal snel south staf stan stap strat sud swan tad tarl thir thorn til \
         tor turn uf up ux wad wal ware wax web wen whar whit wil win wis wood wool worm wy yar yel",
        "beck borough bourn bourne bridge brook burn bury by church combe cote cott croft dale den don field fold \
         ford gate grave ham hurst land leigh ley low man mere more ridge sall sett shaw sley stead stock stone ton \
         twick wardine wick well wood worth",
        " s",
    ],
    &[
        "adder ald arke bab bagg barf bat beck bigg binn bladd bodd bottr brack brigg buck cadd catt chall chick \
         clapp clegg copp crabb crick cudd dagg dibb dodd drak dugg fagg fenn figg garr gedd gibb gobb gudd hadd \
         hegg hibb hobb huck jagg jepp kedd knapp lagg leck lobb mabb magg mudd nibb nobb padd pegg pibb podd quill \
         rabb ragg ridd rudd sagg sibb snell spratt stagg tabb tegg tibb tragg twigg wadd wigg yapp",
        "ell ells er ers ett etts ing ings inson le les ock ocks on ons by ard ey in ins itt",
    ],
];
pub(super) const WELSH: Tail = &[&[
    "ap- pen tre llan car gwyn mer bod dol cad mad tal",
    "owen griff rhys gar wyn dryn llyn gan fryn dwr ern ydd",
    " s e",
]];
pub(super) const SCOTTISH: Tail = &[
    &[
        "mc mac",
        "adam alpin andrew ara aulay bain bride call cash corm crae crory culloch cusker dade dougall duff fadyen \
         farlane garrie gill glashan gowan hardy indoe innes kean kellar kinlay lachlan larty luskie naught nee nish \
         pake phail quarrie rae shane sorley swan taggart tavish turk vicar whirter",
    ],
    &[
        "auch bal car crom dal drum dun glen inver kil kin loch pit strath",
        "blair craig gow house kell lea more rie \
        ross ton tyre",
    ],
];
pub(super) const IRISH: Tail = &[
    &[
        "o' mc mac kil fitz",
        "bann bran cabe carr conn cor cull dall devit don dow dris duf fag far fee flah gan garr gin glyn gor hal \
         han hen hour kean keev kenn lea lough mah mal mor mul nal nam quil rafter rear rior roon shaugh too",
        " ey an on y ness",
    ],
    &[
        "brad cas cod cur dev dil fin ga gil hen keh lar lon mad mul rior sheri",
        "agh an nell more ley ane egan ihan \
        ity",
    ],
];
pub(super) const MUSLIM: Tail = &[&[
    "abd abdul- ab am anw bad bakh dil faiz fazal ghul hab ham ihs ikr jah jam kar laj mah manz maq mas mukh musht \
     nai naz niz qad qas rahm raj ram rash razz saf salam sar shab shak shams sul tab taw ub wah waq wil yaq zah zul",
    "ad ali am an ar ari at dad din eem fiqar i if il im in iq ir ud ullah ur",
]];
pub(super) const HINDU: Tail = &[&[
    "agra am ar bal ban bha bhan bhar bis chan chat chid dal dev dut ga gan gho gopal gov har jad jag kal kan kri la \
     ma madh man mur na nand nara pad pan para pra raj rama ran sa sam sar sri su sub tan tri vai ven vish yog",
    "bhai chand dani das eshwar ekar er garwal ia ingham ji kar kumar lal mani murthy nath pal prasad raman singam \
     swamy tia wala walkar wani yan",
]];
pub(super) const SIKH_SURNAMES: Tail = &[&[
    "au bad bhan bir bo chag cho dag dul gah gos hun jas jaw kal khar khu lal lid man mul nag pad pan pun rai rat \
     saj sar sum tak thi vir war",
    "an ar bar da dal dhar du esar gar har hal ia jla ka la lia na ra wal yal",
]];
pub(super) const EASTERN: Tail = &[
    &[
        "adam bar bed biel bor bra brzoz chm cies czar dob dud dziad fil gad gaj gal gaw głow gór grab jag jan jas \
         jaw kal kap kar kas kiel klim koł kos kub kuch lis łap maj mal mar mich mil mis mróz niem ols ow pal paw \
         piet pił pod rad rat rog rom rud sad sik sob sok stan stęp szcz tom trz urb wal was wit woj zab zar zaw \
         ziel ża",
        "acki ak alski anek arz asik czak czyk ecki ek ewicz icki iński ka kiewicz ński oń owicz owski ski uch ński \
         ura",
    ],
    &[
        "al an ar bal bog bor brad bud cal chi con cris dan dob dra dum dav fil flo gav geor gri han ig il iv kol \
         kon kor laz luc man mar mih mil mir mit nik ned old pan pet rad rus sand sav sim stef stoi tud vas vel vlad \
         zah",
        "aru auskas ea enko escu ev eva iu ov ovic ova ović uk ulis yk",
    ],
];
pub(super) const WEST_AFRICAN_SURNAMES: Tail = &[
    &[
        "abi ade adeo afo aji aki ala awo ayo babat bami ei fa falo fawe odu ogun oke ola olo olu omo ope osho owo \
         oye sho",
        "bajo bode dele dokun femi funmi gbemi gboye jobi kunle lade lana latan moye niyi rinde sanya shola sina \
         tayo tola tunde wale wumi yemi",
    ],
    &[
        "a am as bo de do fo ka ko kwa ma nko oko on qua sa te wi ya",
        "diallo bah bea ankra du fo fum kor kye mah nim \
        quah rko sah tey wuah",
    ],
    &[
        "amae chi chuk eke eme ike ko madu nna nwa nwo obi oji oku onu uche udo ugo uzo",
        "agu chi emeka ike kwe ma \
        nna nwa ora su zie",
    ],
];
pub(super) const EAST_ASIAN_SURNAMES: Tail = &[&[
    "b c ch d f g h j k l m n p q r s sh t w x y z zh",
    "ai an ang ao eng ian iao in ing iu ong ou u uan ui un uong",
]];
pub(super) const ARABIC: Tail = &[&[
    " al- el- ben ab",
    "asw bad bagh bakr bas dab dahm far fay ghan had hak ham har hash jab jaz kha kur mah maj mas mub mud naj nas \
     qar qud rab raf sab saf sal shar sud tam tar tik wah yas zah zub",
    "a ad adi aidi ali ami an ani ari awi dan i ib im iri mi ouni ri uri",
]];
pub(super) const TURKISH_SURNAMES: Tail = &[&[
    "ak al al altun ar at bal baş bay bil boz can çak çal dağ demir der dur eke el er gök gül gün ha il iş kap kara \
     kır koca kor kay mut oğuz ok öz sar say sez soy şen taş tek top tun tür uç us yal yaz yeşil zor",
    "ak alp ay bay baş can çı demir dağ er gün han kan kaya kol lı maz men oğlu pınar soy su taş taş tepe türk yurt",
]];
pub(super) const PORTUGUESE_SURNAMES: Tail = &[&[
    " da- de- dos-",
    "agui alm alv am and arr az bar bel bor bra cab cald cam car cas cav cer cor dom esp est fal far fig fon gal gam \
     gou gui lac lei lim lour mac mag mai mal maz mel mir mont mour nav nor pac pal pat pim por quei que rab sal san \
     ser tav tei var vas ver xav",
    "ada ães al ança ão ares as eda eida eira el ena es eto iga im inho osa oso ote ura",
]];

pub(super) const BRITISH_GIRLS: Tail = &[
    &[
        "lily- ellie- ava- amelia- ella- lexi- ruby- gracie- evie- poppy- daisy- isla- millie- bella- tilly- lola- \
         maisie- ivy- aria- summer- elsie- mia- emily- sophia- scarlett- layla- amy- erin- holly- skye-",
        "mae rose may grace louise anne marie jane lou leigh rae jo belle jayne rai",
    ],
    &[
        "a ab ad al am an ar bre bri cal cam car ce cha de el em es eve fay flo gia hal har jae jo ka kay kei kel la \
         le li lo lu ma mi na ni o pe pri ra re ri ro ru sa sha si ta te ti va vi wil xa ze",
        "bella cie da delle die elle ella essa eigh ia ina issa la leigh lena lia lie line lissa lyn na nea nna ra \
         ria rie sha shia ssie ssa tte ya yah",
    ],
];
pub(super) const BRITISH_BOYS: Tail = &[
    &[
        "tommy- alfie- james- jack- riley- john- lee- billy- charlie- kai- harley- jay- teddy- bobby- noah- mason- \
         tyler- leo-",
        "lee james jay ray john joe jack george william jude thomas",
    ],
    &[
        "a al am an ar ash aus be bra bren bro cal cam car cas co da dar dea den des do dra el em ey fin gar gra har \
         hay hu ja jar jax jo ka kel ken key kie ky lan lar le lu ma mal mar nev o pres ra re ro roy ry sha sto ta \
         tre ty va wes za",
        "an by den dan ian iel ius ler ley len lin lo mon nan nley o on or ron rick ry son ston ton tyn van vin vis \
         xon zen",
    ],
];
pub(super) const MUSLIM_GIRLS: Tail = &[&[
    "ab al am an ar as ay az bar dil fai far fiz ghaz haf hal ham han hum ifr in jam kan kha lub mah man mar meh mub \
     naf nai nar nas naz nim qud rab raf raz rid rum saf sad sal sam sha shab sum tab tah uz waj yas zah zai zar zu",
    "a aya eela eena ema een ia ida ifa iha ila ima ina ira isha iya iza nah oor reen rin sa wa wish ya zia",
]];
pub(super) const MUSLIM_BOYS: Tail = &[
    &[
        "muhammad mohammed abdul syed mohammad",
        "_ _ -",
        "ali ahmed hassan hussain ibrahim yusuf umar zain rahman karim aziz hamid rehan haris bilal musa isa",
    ],
    &[
        "ab ad af am an aq as at az bas dan fah fai far gha had haf ham has hus ibr ih im is jal jas kam kas kha luq \
         mah mak man maz mub muj mun nab nad nai nas nau qas rab raf rah ras saf sal sam sar sha su tah tai taw us \
         waj was yas za zah zub",
        "aal aan ad aid am aq ar as at baz diq eed eel eem eer han id if il im in ir man nan oor raf shan ul wan yan \
         zad zan",
    ],
];
pub(super) const HINDU_GIRLS: Tail = &[&[
    "aa am an ar av bha cha de di dhar ga gay har i in ja jan ka kal ki kri la ma man me mi na nan ni pa pra pri pur \
     ra re ri ro sa san sha shi su ta tri u va ve vi ya",
    "ali ana anika anya arti dhi dhya ha i ika ina isha ita ithi jal ksha ma mi na nika nisha nya rini rthi shi tha \
     thi tika ya",
]];
pub(super) const HINDU_BOYS: Tail = &[&[
    "aa abh ad aj ak am an ar ash av ba bha cha da dar de dha di ga gau gi ha he i in ja jai ka kar ki ku la ma man \
     mi mu na nav ni pa pra pu ra raj ri ro sa sam san sha shi su ta tu u va ved vi ya yu",
    "am an ansh av deep dev esh harsh iket ik in it jal kar kesh lan man mit nav nesh nit nu pal raj run sh shal tan \
     tik van vesh vik",
]];
pub(super) const SIKH: Tail = &[&[
    "am anm av bal ban bik char dal dil ek fat gur har him ik ind jag jap jas jat jot kam kir kul lakh mal man meh \
     moh nav nir par parm raj ran rav sar sat sim suk sukh sur taj tar tej var vik",
    "beer bir deep dev dip inder indar jeet jit jodh jot kiran leen mandeep meet neet noor pal preet prit raj roop \
     simran veer vinder vir want winder",
]];
pub(super) const EASTERN_GIRLS: Tail = &[&[
    "ad al an ang bar beat bog dan dar dor ed el em ev gab hal il in iw jan jo jul kam kar kas kla kor lar lil lu \
     mad mag mar mil mir nad nat ol pat pol ren rox sab san si ste sve tat teo val ver vik yul zlat",
    "a ana anka eta ia icja ica ika ila ina inka ia isa iana ita lena mira na ola ona uta",
]];
pub(super) const EASTERN_BOYS: Tail = &[&[
    "ad al an ar aur bar bog bol bor cas cos dam dan dar den do ed em er fab flo gab hen hor iul jac jar jaros kam \
     kar klim kon kor leon luc mar mil mir nik oct ol ov pat rad rem rom rus sam seb ser sil stan tad teo tim val \
     vas ver vik vlad yar",
    "ak an as ek el en ian ias ik il in is islav ius mir o omir on oslav rian us usz yl",
]];
pub(super) const WEST_AFRICAN: Tail = &[
    &[
        "olu oluwa ade ayo ife ola oma temi tolu ire ore moyo bolu daro eni fola iyanu kola ani ewa",
        "bukola dara damola dayo femi fe fun gbemi kemi kunle lade lola mide mola niyi pe pelumi sayo seun shola \
         simi tife tobi tola tomi tosin wale yemi",
    ],
    &[
        "chi chuk ne nna nwa obi ugo eme ike ke olu",
        "amaka buike dera diebere dinma ebuka ka kamso kaosi ma medu na namdi nedu nonso oma sim soma tam umeka za \
         zoba",
    ],
];
pub(super) const EAST_ASIAN: Tail = &[&[
    "bao chi cho chun fang gia hai han hao hei hiu ho hoi hong hui jia jing jun ka kin kit lai lan lok long man mei \
     min nam ngoc phuc pui qing quoc rui shu sin siu sum thanh thi tin tsz tuan wai wing xiao xin yan yat yee yi yuk \
     yun zhi zi",
    "-anh -bo -ching -chun -han -hei -hin -ho -kei -ki -kit -lam -lin -ling -lok -long -man -nam -ning -sum -tung \
     -wai -xin -yan -yi -ying -yin",
]];
pub(super) const TURKISH: Tail = &[&[
    "ak al alp ar as at ay bel ber bil bur can cey dil do ed el em en er es fer ga gök gül gün ha il ir kar ke kor \
     le me mel mer naz ne nil nur o öz rü sa se sel sem ser si su şe ta te tu tül ü va ya ye yıl ze",
    "a al an ay bey can ça da em en er gül han il in kan kut lin mez nay naz nur ra ram rin sel sun şen tan tuğ vin \
     ya yan ze",
]];
pub(super) const PORTUGUESE: Tail = &[&[
    "ab ad al am an ar aur bár ben ber car cel ci cla cris dal dan di do ed el em er est fab fer flá gil gra hen hum \
     il iv jac jan joel jul kar laí lau lil lor lu mar mau mon nat né nel ol os pat qui rai reg ren ro sam sér sil \
     sor tel val ver vit wa zul",
    "ana ane ara ela eli ena ene eu ia iana iano icia ina io isa ito ito on or son ton uela ur",
]];
