//! Which cells of a table must be hidden, so that no small one can be worked out from the others and the totals.
//!
//! A table and its totals are one larger table, in which every row and every column adds up to nothing once totals count
//! negative. What hidden cells may be is then a flow through a network of rows and columns, and how far a cell may lie from
//! its value is a maximum flow: exact, for whole numbers too, because such networks have whole-numbered corners
//! (Fischetti & Salazar-González 1999, "Models and algorithms for the 2-dimensional cell suppression problem in statistical
//! disclosure control"). Which other cells are hidden is chosen one way of flow at a time, cheapest first: that is safe, and
//! not always the fewest.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::suppress::Totals;

/// More than any count: room without an end.
const ENDLESS: u64 = u64::MAX / 8;

/// What hiding a total costs beside its size: cells go first.
const TOTAL: u64 = 1 << 40;

/// What is known of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Its value.
    Shown,
    /// That it is above 0 and small.
    Small,
    /// That it is not small; it is hidden so that others cannot be worked out.
    Beside,
    /// Nothing: the table has no such total.
    Never,
}

/// A table with its totals in the last row and column.
struct Grid {
    values: Vec<Vec<u64>>,
    cells: Vec<Vec<Cell>>,
    below: u64,
}

/// A row and a column.
type Place = (usize, usize);

/// Through a cell, from its row to its column (`true`) or back.
type Step = (usize, usize, bool);

/// Which cells to hide: one row and one column more than the table has, for its totals.
///
/// Every count above 0 and below `below` is hidden. So are others, the cheapest first and totals last, until at least half
/// of the numbers from 1 to `below - 1`, and two, are possible for each small cell, even for somebody who knows which of the hidden
/// ones are small. Where hiding everything does not go so far (nine ones that add up to a small total), everything is hidden.
pub(super) fn protect(table: &[Vec<u64>], columns: usize, totals: Totals, below: u64) -> Vec<Vec<bool>> {
    let mut grid = Grid::new(table, columns, totals, below);
    let mut hopeless = HashSet::new();
    while let Some(cell) = grid.exposed(&hopeless) {
        let ways = [grid.way(cell, true), grid.way(cell, false)];
        let best = ways.into_iter().flatten().min();
        match best.map(|(_, hides)| hides).or_else(|| grid.cheapest().map(|cell| vec![cell])) {
            Some(hides) => hides.into_iter().for_each(|(row, column)| grid.cells[row][column] = Cell::Beside),
            // Everything is hidden already.
            None => drop(hopeless.insert(cell)),
        }
    }
    grid.cells.iter().map(|row| row.iter().map(|cell| *cell != Cell::Shown).collect()).collect()
}

/// How many of the numbers below must be possible for a small cell: half of them, and two at least.
pub(super) fn needed(below: u64) -> u64 {
    (below / 2).max(2)
}

impl Grid {
    fn new(table: &[Vec<u64>], columns: usize, totals: Totals, below: u64) -> Self {
        let mut values: Vec<Vec<u64>> = table.to_vec();
        for row in &mut values {
            row.push(row.iter().sum());
        }
        values.push((0..=columns).map(|column| values.iter().map(|row| row[column]).sum()).collect());
        let rows = table.len();
        let cell = |row: usize, column: usize| {
            let told = match (row == rows, column == columns) {
                (false, false) => true,
                (false, true) => totals != Totals::None,
                (true, _) => totals == Totals::Both,
            };
            match values[row][column] {
                _ if !told => Cell::Never,
                value if value > 0 && value < below => Cell::Small,
                _ => Cell::Shown,
            }
        };
        let cells = (0..=rows).map(|row| (0..=columns).map(|column| cell(row, column)).collect()).collect();
        Grid { values, cells, below }
    }

    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        (0..self.cells.len()).flat_map(|row| (0..self.cells[row].len()).map(move |column| (row, column)))
    }

    fn is_total(&self, (row, column): Place) -> bool {
        row + 1 == self.cells.len() || column + 1 == self.cells[row].len()
    }

    /// A small cell of which too much is known.
    fn exposed(&self, hopeless: &HashSet<Place>) -> Option<Place> {
        let needed = needed(self.below);
        self.places().filter(|place| self.cells[place.0][place.1] == Cell::Small && !hopeless.contains(place)).find(
            |&place| {
                let value = self.values[place.0][place.1];
                let up = self.flow(place, true, needed).0.min(self.below - 1 - value);
                let down = self.flow(place, false, needed).0.min(value - 1);
                up + down + 1 < needed
            },
        )
    }

    /// How far a cell's value may be lower and higher, by what is known of it.
    fn room(&self, (row, column): Place) -> (u64, u64) {
        let value = self.values[row][column];
        match self.cells[row][column] {
            Cell::Shown => (0, 0),
            Cell::Small => (value - 1, self.below - 1 - value),
            Cell::Beside => (value - self.below, ENDLESS),
            Cell::Never => (value, ENDLESS),
        }
    }

    /// The same, with the sign that the cell has in the sums that come to nothing.
    fn signed(&self, place: Place, (down, up): (u64, u64)) -> (u64, u64) {
        let last_row = place.0 + 1 == self.cells.len();
        let last_column = place.1 + 1 == self.cells[place.0].len();
        if last_row == last_column { (down, up) } else { (up, down) }
    }

    /// The ends of the flow that makes a cell greater or smaller: rows are nodes from 0 on, columns follow.
    fn ends(&self, place: Place, more: bool) -> (usize, usize) {
        let (row, column) = (place.0, self.cells.len() + place.1);
        let positive = self.signed(place, (0, 1)) == (0, 1);
        if more == positive { (column, row) } else { (row, column) }
    }

    /// How much greater (or smaller) the other cells let this one be, as far as `needed`, and the flow that shows it.
    fn flow(&self, place: Place, more: bool, needed: u64) -> (u64, Vec<Vec<i64>>) {
        let (from, to) = self.ends(place, more);
        let mut flow = vec![vec![0; self.cells[0].len()]; self.cells.len()];
        let mut total = 0;
        while total < needed {
            let Some((_, path)) = self.path(place, from, to, &flow, false) else { break };
            let width = path.iter().map(|step| self.residual(*step, &flow)).min().unwrap_or(0).min(needed - total);
            for (row, column, forward) in path {
                flow[row][column] += if forward { width as i64 } else { -(width as i64) };
            }
            total += width;
        }
        (total, flow)
    }

    /// How much more can flow through a cell, from its row to its column (`forward`) or back.
    fn residual(&self, (row, column, forward): Step, flow: &[Vec<i64>]) -> u64 {
        let (down, up) = self.signed((row, column), self.room((row, column)));
        let now = flow[row][column];
        let room = if forward { up as i64 - now } else { down as i64 + now };
        room.max(0) as u64
    }

    /// The cheapest way of more flow, with what it must hide: cells that are hidden already cost nothing.
    fn way(&self, place: Place, more: bool) -> Option<(u64, Vec<Place>)> {
        let value = self.values[place.0][place.1];
        let own = if more { self.below - 1 - value } else { value - 1 };
        let (total, flow) = self.flow(place, more, own);
        if total == own {
            return None;
        }
        let (from, to) = self.ends(place, more);
        let (cost, path) = self.path(place, from, to, &flow, true)?;
        let hides = path.into_iter().map(|(row, column, _)| (row, column));
        Some((cost, hides.filter(|&(row, column)| self.cells[row][column] == Cell::Shown).collect()))
    }

    /// What it costs to send flow through a cell; `None` where that cannot be.
    fn price(&self, step: Step, flow: &[Vec<i64>], hiding: bool) -> Option<u64> {
        let (row, column, forward) = step;
        let value = self.values[row][column];
        match self.cells[row][column] {
            Cell::Shown if !hiding || value == 0 => None,
            Cell::Shown => {
                let (down, up) = self.signed((row, column), (value - self.below, ENDLESS));
                let room = if forward { up } else { down };
                (room > 0).then(|| value + if self.is_total((row, column)) { TOTAL } else { 0 })
            }
            _ => (self.residual(step, flow) > 0).then_some(0),
        }
    }

    /// The cheapest path between two nodes of the network that leaves one cell out (Dijkstra 1959).
    fn path(
        &self,
        without: Place,
        from: usize,
        to: usize,
        flow: &[Vec<i64>],
        hiding: bool,
    ) -> Option<(u64, Vec<Step>)> {
        let (rows, columns) = (self.cells.len(), self.cells[0].len());
        let mut cost = vec![u64::MAX; rows + columns];
        let mut before: Vec<Option<(usize, Step)>> = vec![None; rows + columns];
        let mut queue = BinaryHeap::from([Reverse((0, from))]);
        cost[from] = 0;
        while let Some(Reverse((so_far, node))) = queue.pop() {
            if so_far > cost[node] {
                continue;
            }
            let neighbours = if node < rows { rows..rows + columns } else { 0..rows };
            for next in neighbours {
                let step = if node < rows { (node, next - rows, true) } else { (next, node - rows, false) };
                if (step.0, step.1) == without {
                    continue;
                }
                let Some(price) = self.price(step, flow, hiding) else { continue };
                if so_far + price < cost[next] {
                    cost[next] = so_far + price;
                    before[next] = Some((node, step));
                    queue.push(Reverse((cost[next], next)));
                }
            }
        }
        if cost[to] == u64::MAX {
            return None;
        }
        let mut path = Vec::new();
        let mut at = to;
        while let Some((node, step)) = before[at].filter(|_| at != from) {
            path.push(step);
            at = node;
        }
        Some((cost[to], path))
    }

    /// The cheapest cell that can still be hidden.
    fn cheapest(&self) -> Option<Place> {
        let shown = |&(row, column): &Place| self.cells[row][column] == Cell::Shown && self.values[row][column] > 0;
        let cost = |&place: &Place| (self.is_total(place), self.values[place.0][place.1]);
        self.places().filter(shown).min_by_key(cost)
    }
}
