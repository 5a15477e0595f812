//! One encoding of a record: a cryptographic long-term key (CLK; Schnell, Bachteler & Reiher 2011) with a bit budget for
//! every field, then diffusion. `docs/encoding.md`, sections 5 and 6.

use std::collections::HashMap;

use zeroize::{Zeroize, Zeroizing};

use super::diffusion::Diffusion;
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
    spaces: Vec<HashMap<String, Positions>>,
    filter: Zeroizing<Vec<u64>>,
    shares: Vec<(u64, usize)>,
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

    /// Whether this encoding of a record holds anything about its person.
    pub(crate) fn says_something(&self, values: &[Value]) -> bool {
        let present = self.fields.iter().filter(|plan| matches!(values[plan.field], Value::Present(_))).count();
        present >= if self.diffusion.is_some() { LEAST_FIELDS.min(self.fields.len()) } else { 1 }
    }

    /// Encodes one record into `out`, a row of zeros.
    pub(crate) fn encode(&self, values: &[Value], id: RowId, memo: &mut Memo, out: &mut [u64]) {
        let Some(diffusion) = &self.diffusion else {
            self.fill_filter(values, id, memo, out);
            return;
        };
        if !self.says_something(values) {
            self.random_row(id, out);
            return;
        }
        let mut filter = std::mem::take(&mut memo.filter);
        filter.clear();
        filter.resize(self.length.div_ceil(64), 0);
        self.fill_filter(values, id, memo, &mut filter);
        diffusion.apply(&filter, out);
        memo.filter = filter;
    }

    fn fill_filter(&self, values: &[Value], id: RowId, memo: &mut Memo, filter: &mut [u64]) {
        memo.spaces.resize_with(self.spaces.len(), HashMap::new);
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
        if known.len() + tokens.len() > MEMO_TOKENS {
            wipe(known);
        }
        shares.clear();
        for (index, token) in tokens.iter().enumerate() {
            let need = (each + usize::from(more > 0)).min(self.length);
            let positions = match known.get(token) {
                Some(positions) if positions.list.len() >= need => positions,
                _ => {
                    let positions = self.positions(space, token, need);
                    known.insert(token.clone(), positions);
                    &known[token]
                }
            };
            shares.push((positions.order, index));
        }
        // Tokens stand in their own order, which settles a tie.
        shares.sort_unstable();
        for (rank, (_, index)) in shares.iter().enumerate() {
            let share = each + usize::from(rank < more);
            for &position in &known[&tokens[*index]].list[..share.min(self.length)] {
                filter[usize::from(position) / 64] |= 1 << (position % 64);
            }
        }
    }

    fn positions(&self, space: usize, token: &str, count: usize) -> Positions {
        let keyed = &self.spaces[space];
        let mut head = Stream::new(keyed, token.as_bytes());
        let order = u64::from(head.word()) << 32 | u64::from(head.word());
        let mut list = Vec::with_capacity(count);
        Stream::new(keyed, token.as_bytes()).distinct(count, self.length, &mut list);
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

impl Drop for Memo {
    fn drop(&mut self) {
        self.spaces.iter_mut().for_each(wipe);
    }
}

/// Forgets all tokens, and leaves nothing of them in memory.
fn wipe(known: &mut HashMap<String, Positions>) {
    for (mut token, mut positions) in known.drain() {
        token.zeroize();
        positions.list.zeroize();
        positions.order.zeroize();
    }
}
