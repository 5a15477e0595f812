//! One encoding of a record: a cryptographic long-term key (CLK; Schnell, Bachteler & Reiher 2011) with a bit budget for
//! every field, then diffusion or what else hardens it. `docs/encoding.md`, sections 5 and 6.

use std::ops::Range;

use zeroize::{Zeroize, Zeroizing};

use super::diffusion::{Diffusion, Sides, TOGETHER};
use super::harden::{Step, harden, noise};
use super::markov::Extras;
use super::memo::Table;
use super::positions::Stream;
use super::tokens::{Reading, Token, group_budgets};
use super::values::{Coded, LINE_BITS, Line, Person};
use crate::cohort::RowId;
use crate::key::{Keyed, ProjectKey};
use crate::schema::{Encoding, Kind, Missing, Salt, SaltPart, Schema};

/// Fewer fields than this, and a diffused encoding says nothing: what would be left is the code of a single field.
const LEAST_FIELDS: usize = 2;

/// How many tokens of one token space are kept. Names and dates have a few thousand; postcodes and codes have no end.
const MEMO_TOKENS: usize = 1 << 15;

/// Everything that turns normalised values into one encoding's rows.
pub(crate) struct Plan {
    /// Which of the schema's encodings it is.
    number: usize,
    length: usize,
    output: usize,
    missing: Missing,
    fields: Vec<FieldPlan>,
    /// One key per token space.
    spaces: Vec<Keyed>,
    fill: Keyed,
    diffusion: Option<Diffusion>,
    steps: Vec<Step>,
    salt: Option<Salt>,
    /// The bigrams that stand in beside others.
    pub(super) extras: Option<Extras>,
    /// In ten-thousandths, how many bits are replaced by coins.
    pub(super) noise_rate: u16,
    /// The owner's own key for these coins, once it is given.
    pub(super) noise: Option<Keyed>,
}

pub(crate) struct FieldPlan {
    field: usize,
    space: usize,
    name: String,
    /// Whether its tokens are bigrams.
    is_words: bool,
    groups: Vec<usize>,
    /// Where the field's mask in this encoding stands among all masks of the field.
    mask: Range<usize>,
}

/// One thread's buffers, and the tokens it has seen; wiped when dropped.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) reading: Reading,
    /// What a match key is made of.
    pub(crate) message: Zeroizing<Vec<u8>>,
    /// The token spaces of every encoding.
    spaces: Vec<Vec<Space>>,
    filters: Zeroizing<Vec<u64>>,
    steps: [Zeroizing<Vec<u64>>; 2],
    sides: Sides,
    positions: Zeroizing<Vec<u16>>,
    /// What comes before every token of the record at hand.
    salt: Zeroizing<Vec<u8>>,
}

/// The tokens of one token space.
struct Space {
    table: Table<3>,
    /// Never longer than it was made for: nothing is moved, and so left behind.
    known: Vec<Positions>,
    /// Of the tokens at hand: order, place among them, and place among the known.
    shares: Vec<(u64, usize, usize)>,
}

struct Positions {
    /// The first 64 bits of the token's stream, which decide who gets a budget's remainder.
    order: u64,
    /// A beginning of the token's list.
    list: Vec<u16>,
}

impl Plan {
    /// The plan of an encoding; `number` counts them. `lines` says for every field how many lines its masks in the
    /// encodings before take, and is brought up to date.
    pub(crate) fn new(schema: &Schema, number: usize, key: &ProjectKey, lines: &mut [usize]) -> Self {
        let encoding: &Encoding = &schema.encodings()[number];
        let hardening = encoding.hardening();
        let project = schema.project().id();
        let mut names: Vec<&str> = Vec::new();
        let mut fields = Vec::new();
        for &(index, budget) in encoding.budgets() {
            let field = &schema.fields()[index];
            let space = names.iter().position(|name| *name == field.space()).unwrap_or_else(|| {
                names.push(field.space());
                names.len() - 1
            });
            let groups = group_budgets(field.kind(), budget).collect();
            let start = lines[index];
            // With a salt a value has another mask for everybody.
            if hardening.salt().is_none() {
                lines[index] += encoding.length().div_ceil(LINE_BITS);
            }
            let mask = start..lines[index];
            let is_words = matches!(field.kind(), Kind::Name | Kind::Text);
            fields.push(FieldPlan { field: index, space, name: field.name().to_owned(), is_words, groups, mask });
        }
        let keyed = |purpose: &str, field: &str| key.keyed(project, purpose, field);
        let diffusion = encoding.is_diffused().then(|| {
            let keyed = keyed("diffuse", encoding.name());
            Diffusion::new(&keyed, encoding.length(), encoding.output(), encoding.diffusion())
        });
        let mut bits = encoding.length();
        let steps = hardening.steps().iter().enumerate().map(|(place, &step)| {
            let step = Step::new(step, bits, |purpose| keyed(purpose, &format!("{}/{place}", encoding.name())));
            bits = step.output();
            step
        });
        let steps = steps.collect();
        let spaces =
            |purpose: &str| names.iter().map(|space| keyed(purpose, &format!("{}/{space}", encoding.name()))).collect();
        Plan {
            number,
            length: encoding.length(),
            output: encoding.output(),
            missing: encoding.missing(),
            fields,
            spaces: spaces("clk"),
            fill: keyed("fill", encoding.name()),
            diffusion,
            steps,
            salt: hardening.salt(),
            extras: hardening.markov().map(|m| Extras::new(m.extra(), m.list_sha256(), spaces("markov"))),
            noise_rate: hardening.randomised_response(),
            noise: None,
        }
    }

    /// A field's part in this encoding, if it has one that is the same for all people, and where its mask stands.
    pub(crate) fn mask(&self, field: usize) -> Option<(&FieldPlan, Range<usize>)> {
        let plan = self.fields.iter().find(|plan| plan.field == field && !plan.mask.is_empty())?;
        Some((plan, plan.mask.clone()))
    }

    /// Whether this encoding of a record holds anything about its person, from whether each of the schema's fields is
    /// present.
    pub(crate) fn says_something(&self, is_present: impl Fn(usize) -> bool) -> bool {
        let salted = self.salt.is_none_or(|salt| is_present(salt.field()));
        let present = self.fields.iter().filter(|plan| salted && is_present(plan.field)).count();
        present >= if self.diffusion.is_some() { LEAST_FIELDS.min(self.fields.len()) } else { 1 }
    }

    /// Encodes records, given by row id and place, into `out`, as many rows of zeros.
    pub(crate) fn encode(&self, coded: &Coded<'_>, order: &[(RowId, u32)], scratch: &mut Scratch, out: &mut [u64]) {
        let (words, stride) = (self.length.div_ceil(64), self.output.div_ceil(64));
        for (order, out) in order.chunks(TOGETHER).zip(out.chunks_mut(TOGETHER * stride)) {
            if self.diffusion.is_none() && self.steps.is_empty() {
                self.fill_filters(coded, order, scratch, out);
                self.noise(coded, order, out);
                continue;
            }
            let mut filters = std::mem::take(&mut scratch.filters);
            filters.clear();
            filters.resize(order.len() * words, 0);
            self.fill_filters(coded, order, scratch, &mut filters);
            let Some(diffusion) = &self.diffusion else {
                for (filter, row) in filters.chunks_exact(words).zip(out.chunks_exact_mut(stride)) {
                    harden(&self.steps, filter, &mut scratch.steps, row);
                }
                scratch.filters = filters;
                self.noise(coded, order, out);
                continue;
            };
            diffusion.apply(&filters, &mut scratch.sides, out);
            scratch.filters = filters;
            for (&(id, place), row) in order.iter().zip(out.chunks_exact_mut(stride)) {
                let person = coded.person(place);
                if !self.says_something(|field| person.is_present(field)) {
                    self.random_row(id, row);
                }
            }
        }
    }

    /// Every record's own noise, where the schema wants any.
    fn noise(&self, coded: &Coded<'_>, order: &[(RowId, u32)], rows: &mut [u64]) {
        let Some(keyed) = self.noise.as_ref().filter(|_| self.noise_rate > 0) else { return };
        for (&(_, place), row) in order.iter().zip(rows.chunks_exact_mut(self.output.div_ceil(64))) {
            noise(keyed, coded.person(place).record.id(), self.noise_rate, self.output, row);
        }
    }

    /// Puts what comes before every token of a record into `scratch`; `false` where the salt is missing.
    fn salt(&self, person: Person<'_>, scratch: &mut Scratch) -> bool {
        let Some(salt) = self.salt else { return true };
        let Scratch { reading, salt: message, .. } = scratch;
        message.clear();
        let is_there = person.append_whole(salt.field(), reading, message);
        if salt.part() == SaltPart::Year && is_there {
            // The length in four bytes, then the date, which begins with a year of four digits.
            message.truncate(8);
            message[..4].copy_from_slice(&4u32.to_be_bytes());
        }
        is_there
    }

    /// Field after field and not record after record, so that the processor fetches many masks at once.
    fn fill_filters(&self, coded: &Coded<'_>, order: &[(RowId, u32)], scratch: &mut Scratch, filters: &mut [u64]) {
        for plan in &self.fields {
            for (&(id, place), filter) in order.iter().zip(filters.chunks_exact_mut(self.length.div_ceil(64))) {
                let person = coded.person(place);
                let salted = self.salt(person, scratch);
                let gaps = if !salted {
                    u32::MAX
                } else if self.salt.is_none()
                    && let Some((lines, gaps)) = person.known(plan.field)
                {
                    for (words, line) in filter.chunks_mut(LINE_BITS / 64).zip(&lines[plan.mask.clone()]) {
                        words.iter_mut().zip(line.0).for_each(|(word, mask)| *word |= mask);
                    }
                    gaps
                } else if person.is_present(plan.field) {
                    person.read(plan.field, &mut scratch.reading);
                    self.set_tokens(plan, scratch, filter);
                    scratch.reading.gaps()
                } else {
                    u32::MAX
                };
                if gaps != 0 && self.missing == Missing::Random {
                    self.fill_gaps(id, plan, gaps, &mut scratch.positions, filter);
                }
            }
        }
    }

    /// The budgets of groups without tokens: positions that this record alone has.
    fn fill_gaps(&self, id: RowId, plan: &FieldPlan, gaps: u32, positions: &mut Vec<u16>, filter: &mut [u64]) {
        for (group, &budget) in plan.groups.iter().enumerate() {
            if gaps >> group & 1 == 1 {
                let mut message = id.0.to_vec();
                message.extend_from_slice(plan.name.as_bytes());
                message.extend_from_slice(format!(":{group}").as_bytes());
                positions.clear();
                Stream::new(&self.fill, &message).distinct(budget, self.length, positions);
                for position in positions.iter() {
                    filter[usize::from(*position) / 64] |= 1 << (*position % 64);
                }
            }
        }
    }

    /// The mask of the value in `scratch.reading`.
    pub(crate) fn learn(&self, plan: &FieldPlan, scratch: &mut Scratch, lines: &mut [Line]) {
        let mut filter = std::mem::take(&mut scratch.filters);
        filter.clear();
        filter.resize(lines.len() * LINE_BITS / 64, 0);
        self.set_tokens(plan, scratch, &mut filter);
        let (words, _) = filter.as_chunks();
        lines.iter_mut().zip(words).for_each(|(line, words)| line.0 = *words);
        scratch.filters = filter;
    }

    /// Sets the bits of the value in `scratch.reading`.
    fn set_tokens(&self, plan: &FieldPlan, scratch: &mut Scratch, filter: &mut [u64]) {
        let Scratch { reading, spaces, salt, .. } = scratch;
        if spaces.len() <= self.number {
            spaces.resize_with(self.number + 1, Vec::new);
        }
        let spaces = &mut spaces[self.number];
        spaces.resize_with(self.spaces.len(), Space::default);
        for (tokens, &budget) in reading.groups().zip(&plan.groups) {
            let more = self.extras.as_ref().filter(|_| plan.is_words).map(|extras| extras.beside(plan.space, tokens));
            let tokens = more.as_ref().map_or(tokens, |more| more);
            if !tokens.is_empty() {
                self.share(plan.space, tokens, (salt, &reading.whole), budget, &mut spaces[plan.space], filter);
            }
        }
    }

    /// Shares a group's budget out over its tokens: equal parts, and the remainder to the tokens whose streams begin
    /// with the smallest numbers, so that who gets it tells nothing about the order of letters.
    fn share(
        &self,
        space: usize,
        tokens: &[Token],
        (salt, whole): (&[u8], &str),
        budget: usize,
        Space { table, known, shares }: &mut Space,
        filter: &mut [u64],
    ) {
        let (each, more) = (budget / tokens.len(), budget % tokens.len());
        // The schema keeps budgets within the filter's length.
        let need = each + usize::from(more > 0);
        let mut set = |list: &[u16]| list.iter().for_each(|p| filter[usize::from(*p) / 64] |= 1 << (p % 64));
        let memo = self.salt.is_none() && known.len() + tokens.len() <= MEMO_TOKENS;
        if !memo || tokens[0] == Token::WHOLE {
            let list = |(index, token): (usize, &Token)| (self.positions(space, *token, (salt, whole), need), index);
            let mut lists: Vec<_> = tokens.iter().enumerate().map(list).collect();
            lists.sort_unstable_by_key(|(positions, index)| (positions.order, *index));
            for (rank, (positions, _)) in lists.iter().enumerate() {
                set(&positions.list[..each + usize::from(rank < more)]);
            }
            return;
        }
        shares.clear();
        for (index, &token) in tokens.iter().enumerate() {
            let key = [(token.number() >> 64) as u64, token.number() as u64, 0];
            let place = table.get(key).map_or(known.len(), |number| number as usize - 1);
            if place == known.len() {
                known.push(self.positions(space, token, (salt, whole), need));
                table.add(key, known.len() as u32);
            }
            let positions = &mut known[place];
            if positions.list.len() < need {
                *positions = self.positions(space, token, (salt, whole), need);
            }
            shares.push((positions.order, index, place));
        }
        // Tokens stand in their own order, which settles a tie.
        shares.sort_unstable();
        for (rank, &(_, _, place)) in shares.iter().enumerate() {
            set(&known[place].list[..each + usize::from(rank < more)]);
        }
    }

    /// At least `count` positions.
    fn positions(&self, space: usize, token: Token, (salt, whole): (&[u8], &str), count: usize) -> Positions {
        let (text, length) = token.text();
        let token = if token == Token::WHOLE { whole.as_bytes() } else { &text[..length] };
        let salted = self.salt.map(|_| Zeroizing::new([salt, token].concat()));
        let message = salted.as_ref().map_or(token, |salted| salted);
        let mut stream = Stream::new(&self.spaces[space], message);
        let order = stream.order();
        // Whole blocks of the stream: the next name may want a few more.
        let count = count.next_multiple_of(8).min(self.length);
        let mut list = Vec::with_capacity(count);
        stream.distinct(count, self.length, &mut list);
        Positions { order, list }
    }

    /// A row that says nothing about anybody.
    fn random_row(&self, id: RowId, out: &mut [u64]) {
        let mut message = id.0.to_vec();
        message.push(b'*');
        let mut stream = Stream::new(&self.fill, &message);
        for word in &mut *out {
            // Two words of the stream, byte after byte.
            let (low, high) = (stream.word().swap_bytes(), stream.word().swap_bytes());
            *word = u64::from(high) << 32 | u64::from(low);
        }
        if !self.output.is_multiple_of(64)
            && let Some(last) = out.last_mut()
        {
            *last &= (1 << (self.output % 64)) - 1;
        }
    }
}

impl Default for Space {
    fn default() -> Self {
        Space { table: Table::default(), known: Vec::with_capacity(MEMO_TOKENS), shares: Vec::new() }
    }
}

impl Drop for Positions {
    fn drop(&mut self) {
        self.list.zeroize();
        self.order.zeroize();
    }
}
