//! One encoding of a record: a cryptographic long-term key (CLK; Schnell, Bachteler & Reiher 2011) with a bit budget for
//! every field, then diffusion. `docs/encoding.md`, sections 5 and 6.

use std::collections::HashMap;

use zeroize::{Zeroize, Zeroizing};

use super::diffusion::{Diffusion, TOGETHER};
use super::positions::Stream;
use super::tokens::{Value, group_budgets};
use crate::cohort::RowId;
use crate::key::{Keyed, ProjectKey};
use crate::schema::{Encoding, Missing, Schema};

/// Fewer fields than this, and a diffused encoding says nothing: what would be left is the code of a single field.
const LEAST_FIELDS: usize = 2;

/// How many tokens of one token space a memo keeps. Names and dates have a few thousand; identifiers have no end.
const MEMO_TOKENS: usize = 1 << 15;

/// Everything that turns normalised values into one encoding's rows.
pub(crate) struct Plan {
    length: usize,
    output: usize,
    missing: Missing,
    fields: Vec<FieldPlan>,
    /// One key per token space.
    spaces: Vec<Keyed>,
    fill: Keyed,
    diffusion: Option<Diffusion>,
}

struct FieldPlan {
    field: usize,
    space: usize,
    name: String,
    groups: Vec<usize>,
}

/// Positions of tokens that were seen, and buffers. One for each thread and encoding; wiped when dropped, because whoever
/// holds it can test names.
#[derive(Default)]
pub(crate) struct Memo {
    spaces: Vec<Space>,
    filters: Zeroizing<Vec<u64>>,
    /// Order, place among the record's tokens, and place in the space's list.
    shares: Vec<(u64, usize, usize)>,
}

/// The tokens of one token space.
#[derive(Default)]
struct Space {
    places: HashMap<String, usize>,
    positions: Vec<Positions>,
}

struct Positions {
    /// The first 64 bits of the token's stream, which decide who gets a budget's remainder.
    order: u64,
    /// A beginning of the token's list.
    list: Vec<u16>,
}

impl Plan {
    pub(crate) fn new(schema: &Schema, encoding: &Encoding, key: &ProjectKey) -> Self {
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
            fields.push(FieldPlan { field: index, space, name: field.name().to_owned(), groups });
        }
        let keyed = |purpose, field: &str| key.keyed(project, purpose, field);
        let diffusion = encoding.is_diffused().then(|| {
            let keyed = keyed("diffuse", encoding.name());
            Diffusion::new(&keyed, encoding.length(), encoding.output(), encoding.diffusion())
        });
        Plan {
            length: encoding.length(),
            output: encoding.output(),
            missing: encoding.missing(),
            fields,
            spaces: names.iter().map(|space| keyed("clk", &format!("{}/{space}", encoding.name()))).collect(),
            fill: keyed("fill", encoding.name()),
            diffusion,
        }
    }

    /// Whether this encoding of a record holds anything about its person, from whether each of the schema's fields is
    /// present.
    pub(crate) fn says_something(&self, is_present: impl Fn(usize) -> bool) -> bool {
        let present = self.fields.iter().filter(|plan| is_present(plan.field)).count();
        present >= if self.diffusion.is_some() { LEAST_FIELDS.min(self.fields.len()) } else { 1 }
    }

    /// Encodes records into `out`, as many rows of zeros.
    pub(crate) fn encode(&self, records: &[(&[Value], RowId)], memo: &mut Memo, out: &mut [u64]) {
        let (words, stride) = (self.length.div_ceil(64), self.output.div_ceil(64));
        let Some(diffusion) = &self.diffusion else {
            for (&(values, id), row) in records.iter().zip(out.chunks_exact_mut(stride)) {
                self.fill_filter(values, id, memo, row);
            }
            return;
        };
        let mut filters = std::mem::take(&mut memo.filters);
        for (records, out) in records.chunks(TOGETHER).zip(out.chunks_mut(TOGETHER * stride)) {
            filters.clear();
            filters.resize(records.len() * words, 0);
            for (&(values, id), filter) in records.iter().zip(filters.chunks_exact_mut(words)) {
                if self.says_something(|field| values[field].missing().is_none()) {
                    self.fill_filter(values, id, memo, filter);
                }
            }
            diffusion.apply(&filters, out);
            for (&(values, id), row) in records.iter().zip(out.chunks_exact_mut(stride)) {
                if !self.says_something(|field| values[field].missing().is_none()) {
                    self.random_row(id, row);
                }
            }
        }
        memo.filters = filters;
    }

    fn fill_filter(&self, values: &[Value], id: RowId, memo: &mut Memo, filter: &mut [u64]) {
        memo.spaces.resize_with(self.spaces.len(), Space::default);
        for plan in &self.fields {
            let groups = match &values[plan.field] {
                Value::Present(present) => present.groups.as_slice(),
                Value::Missing(_) => &[],
            };
            for (index, &budget) in plan.groups.iter().enumerate() {
                match groups.get(index).filter(|tokens| !tokens.is_empty()) {
                    Some(tokens) => self.tokens(plan.space, tokens, budget, memo, filter),
                    None if self.missing == Missing::Random => self.random_bits(id, plan, index, budget, filter),
                    None => {}
                }
            }
        }
    }

    /// Shares a group's budget out over its tokens: equal parts, and the remainder to the tokens whose streams begin
    /// with the smallest numbers, so that who gets it tells nothing about the order of letters.
    fn tokens(&self, space: usize, tokens: &[String], budget: usize, memo: &mut Memo, filter: &mut [u64]) {
        let Memo { spaces, shares, .. } = memo;
        let (each, more) = (budget / tokens.len(), budget % tokens.len());
        let known = &mut spaces[space];
        if known.positions.len() + tokens.len() > MEMO_TOKENS {
            known.wipe();
        }
        // The schema keeps budgets within the filter's length.
        let need = each + usize::from(more > 0);
        shares.clear();
        for (index, token) in tokens.iter().enumerate() {
            let place = match known.places.get(token) {
                Some(&place) => place,
                None => known.add(token, self.positions(space, token, need)),
            };
            if known.positions[place].list.len() < need {
                known.positions[place] = self.positions(space, token, need);
            }
            shares.push((known.positions[place].order, index, place));
        }
        // Tokens stand in their own order, which settles a tie.
        shares.sort_unstable();
        for (rank, &(_, _, place)) in shares.iter().enumerate() {
            let share = each + usize::from(rank < more);
            for &position in &known.positions[place].list[..share] {
                filter[usize::from(position) / 64] |= 1 << (position % 64);
            }
        }
    }

    fn positions(&self, space: usize, token: &str, count: usize) -> Positions {
        let mut stream = Stream::new(&self.spaces[space], token.as_bytes());
        let order = stream.order();
        let mut list = Vec::with_capacity(count);
        stream.distinct(count, self.length, &mut list);
        Positions { order, list }
    }

    /// The budget of a missing group: positions that this record alone has.
    fn random_bits(&self, id: RowId, plan: &FieldPlan, group: usize, budget: usize, filter: &mut [u64]) {
        let mut message = id.0.to_vec();
        message.extend_from_slice(plan.name.as_bytes());
        message.extend_from_slice(format!(":{group}").as_bytes());
        let mut positions = Vec::with_capacity(budget);
        Stream::new(&self.fill, &message).distinct(budget, self.length, &mut positions);
        for position in positions {
            filter[usize::from(position) / 64] |= 1 << (position % 64);
        }
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

impl Space {
    fn add(&mut self, token: &str, positions: Positions) -> usize {
        self.positions.push(positions);
        self.places.insert(token.to_owned(), self.positions.len() - 1);
        self.positions.len() - 1
    }

    /// Forgets all tokens, and leaves nothing of them in memory.
    fn wipe(&mut self) {
        for (mut token, _) in self.places.drain() {
            token.zeroize();
        }
        self.positions.clear();
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl Drop for Positions {
    fn drop(&mut self) {
        self.list.zeroize();
        self.order.zeroize();
    }
}
