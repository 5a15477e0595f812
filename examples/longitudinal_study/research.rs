//! The research environment: what it reads, the study's figures, and what it publishes.

use std::fmt::Write;
use std::path::Path;

use pprl::schema::Date;
use pprl::study::{
    Balance, Child, Classes, Comparison, Disclosure, Figure, Month, NoRow, Observations, Page, People, Period,
    Published, StudyIds, Table, Term, Timeline, Totals, balance, everybody, matched, write_csv,
};

use crate::command::Outcome;

/// How many children are chosen for comparison beside each one.
const BESIDE_EACH: usize = 2;

/// What lies in the folder of the research environment, put together.
pub(crate) struct Study {
    ids: StudyIds,
    children: Vec<Child>,
    terms: Observations<Term>,
    months: Observations<Month>,
    school_terms: Timeline<Term>,
    five_points: Timeline<Month>,
    /// The first day after the data.
    end: Month,
}

/// What may be published.
pub(crate) struct Tables {
    /// The figures, of the study group and of the comparison group.
    pub(crate) figures: Vec<(Published, Published)>,
    balance: Vec<Balance>,
    children: Published,
    alone: bool,
}

fn figure(number: usize, title: &str, measure: &str, names: [&str; 2]) -> Figure {
    // Schools have a row for every pupil and term; social care has one only where something is open.
    let no_row = if number <= 5 { NoRow::Unknown } else { NoRow::Nothing };
    let classes = if measure == "attendance" { Classes::Below(90.0) } else { Classes::Flag };
    let title = format!("Figure {number}: {title}");
    Figure { title, measure: measure.to_owned(), classes, no_row, names: names.map(str::to_owned) }
}

/// By school term.
fn of_schools() -> [Figure; 5] {
    [
        figure(1, "attendance below 90 %", "attendance", ["below 90 %", "90 % or more"]),
        figure(2, "free school meals", "free_school_meals", ["eligible", "not eligible"]),
        figure(3, "special educational needs with support", "sen_support", ["with support", "without"]),
        figure(4, "education, health and care plan", "ehcp", ["with a plan", "without"]),
        figure(5, "suspensions", "suspensions", ["suspended", "not suspended"]),
    ]
}

/// At five points.
fn of_social_care() -> [Figure; 5] {
    [
        figure(6, "Early Help", "early_help", ["with Early Help", "without"]),
        figure(7, "child in need", "child_in_need", ["in need", "not in need"]),
        figure(8, "child protection plan", "child_protection", ["with a plan", "without"]),
        figure(9, "looked after", "looked_after", ["looked after", "not looked after"]),
        figure(10, "contact with the MASH", "mash_contact", ["contact", "no contact"]),
    ]
}

impl Study {
    /// Reads what the linkage unit and the owners sent: nothing else is opened.
    pub(crate) fn read(folder: &Path, last_day: Date) -> Outcome<Self> {
        let ids = StudyIds::read_csv(folder.join("study.csv"))?;
        let people = |party: &str| People::read_csv(party, folder.join(format!("{party}.people.csv")));
        let (schools, care, police) = (people("education")?, people("social_care")?, people("police")?);
        let terms = Observations::read_csv(&ids, "education", folder.join("education.terms.csv"))?;
        let months = Observations::read_csv(&ids, "social_care", folder.join("social_care.months.csv"))?;
        // Where they differ, schools know a birthday best, and a counter at a police station least.
        let children = everybody(&ids, &[&schools, &care, &police]);
        let (term, month) = (Term::of(last_day), Month::of(last_day));
        Ok(Study {
            ids,
            children,
            terms,
            months,
            school_terms: Timeline::school_terms(term.plus(-22)..=term),
            five_points: Timeline::five_points(month.plus(-47)..=month),
            end: month,
        })
    }

    /// The study's tables, safe to publish.
    pub(crate) fn tables(&self, disclosure: Disclosure) -> Outcome<Tables> {
        let group: Vec<Child> = self.children.iter().copied().filter(|child| child.person.event.is_some()).collect();
        let Comparison { chosen, others, alone, .. } = matched(&self.children, BESIDE_EACH);
        // The figures of one party count the same children: they are made safe together.
        let of = |children: &[Child]| -> pprl::Result<Vec<Published>> {
            let schools = of_schools().map(|figure| figure.count(&self.ids, children, &self.school_terms, &self.terms));
            let care =
                of_social_care().map(|figure| figure.count(&self.ids, children, &self.five_points, &self.months));
            let mut tables = Vec::new();
            for of_party in [schools, care] {
                let of_party = of_party.into_iter().collect::<pprl::Result<Vec<_>>>()?;
                tables.extend(Table::publish_together(&of_party, disclosure)?);
            }
            Ok(tables)
        };
        let figures = of(&group)?.into_iter().zip(of(&chosen)?).collect();
        let groups = [group.as_slice(), &chosen, &others];
        let balance = vec![
            balance("Sex", &["girls", "boys", "not known"], groups, sex, disclosure)?,
            balance("Age at the end of the study", &AGES, groups, |child| self.age(child), disclosure)?,
        ];
        let mut counts = vec![vec![0; 2]; 2];
        for child in &group {
            counts[self.unknown_to(child, "education")][self.unknown_to(child, "social_care")] += 1;
        }
        let children = Table {
            title: "Who is known to whom".to_owned(),
            heading: "children of the study group".to_owned(),
            rows: ["known to schools", "not known to schools"].map(str::to_owned).to_vec(),
            columns: ["known to social care", "not known to social care"].map(str::to_owned).to_vec(),
            counts,
            totals: Totals::Both,
            base: Vec::new(),
        };
        Ok(Tables { figures, balance, children: children.publish(disclosure)?, alone: alone > 0 })
    }

    fn unknown_to(&self, child: &Child, party: &str) -> usize {
        usize::from(!self.ids.has(child.id, party))
    }

    fn age(&self, child: &Child) -> usize {
        child.person.born.map_or(AGES.len() - 1, |born| age_band(self.end.years_since(born)))
    }
}

pub(crate) const AGES: [&str; 4] = ["0 to 4", "5 to 10", "11 to 18", "not known"];

/// The place of an age among [`AGES`].
pub(crate) fn age_band(years: i32) -> usize {
    match years {
        ..5 => 0,
        5..11 => 1,
        _ => 2,
    }
}

fn sex(child: &Child) -> usize {
    match child.person.sex {
        Some('F') => 0,
        Some('M') => 1,
        _ => 2,
    }
}

impl Tables {
    /// All tables of the study group.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Published> {
        self.figures.iter().map(|(group, _)| group).chain([&self.children])
    }

    pub(crate) fn write(&self, folder: &Path, disclosure: Disclosure) -> Outcome {
        write_csv(self.all(), folder.join("figures.csv"))?;
        write_csv(self.figures.iter().map(|(_, comparison)| comparison), folder.join("comparison.csv"))?;
        let mut page = Page::new("Children after a parent's reception into prison")
            .paragraph(&disclosure.to_string())
            .table(&self.children)
            .heading("The study group beside the comparison group")
            .paragraph(
                "The comparison group are children known to both schools and social care and not to the police's list, of \
                 the same sex and birth year, their time counted from the event of the child they stand beside. Children \
                 of whom a party has no record are not in its figures.",
            );
        for (group, comparison) in &self.figures {
            page = page.beside(group, comparison, ["study", "comparison"])?;
        }
        page = page.heading("Are the groups alike?").paragraph(
            "Differences are in standard deviations; beyond 0.1 in either direction, groups are not alike in this. The \
             others are those not chosen for comparison: nobody is in two groups.",
        );
        if self.alone {
            page =
                page.paragraph("For some children of the study group nobody of the same sex and birth year was left.");
        }
        for balance in &self.balance {
            page = page.balance(balance);
        }
        Ok(page.write_html(folder.join("figures.html"))?)
    }

    pub(crate) fn tell(&self, story: &mut String, disclosure: Disclosure) -> Outcome {
        writeln!(story, "\n3. What the research environment publishes, in research/figures.html and two CSV files")?;
        writeln!(story, "   {disclosure}")?;
        let hidden: usize = self.all().map(Published::suppressed).sum();
        let cells: usize = self.all().map(|table| table.counts.iter().map(Vec::len).sum::<usize>()).sum();
        writeln!(story, "   {hidden} of {cells} cells of the study group's tables are not shown.")?;
        // One moment of each figure, as an example.
        writeln!(story, "   {:52} {:>7} {:>10} {:>10}", "", "before", "at event", "after")?;
        for (group, comparison) in &self.figures {
            let (before, at, after) = if group.rows.len() > 5 { (9, 12, 15) } else { (0, 1, 4) };
            for (table, of) in [(group, "study"), (comparison, "comparison")] {
                let share = |row| {
                    table.share(row, 0).map_or_else(|| "[c]".to_owned(), |share| format!("{:.0} %", share * 100.0))
                };
                let title = if of == "study" { &*table.title } else { "" };
                let (before, at, after) = (share(before), share(at), share(after));
                writeln!(story, "   {title:41} {of:10} {before:>7} {at:>10} {after:>10}")?;
            }
        }
        writeln!(
            story,
            "   Schools: three terms before and after. Social care: the month before, within six months after."
        )?;
        Ok(())
    }
}
