//! How a file of people is to be read, from the command line.

use pprl::CsvOptions;

/// Of `--column FIELD=HEADER`.
pub(crate) fn column(options: CsvOptions, value: &str) -> Result<CsvOptions, lexopt::Error> {
    let (field, header) = value.split_once('=').ok_or("--column needs FIELD=HEADER")?;
    Ok(options.column(field, header))
}

/// Of `--delimiter CHARACTER`.
pub(crate) fn delimiter(options: CsvOptions, value: &str) -> Result<CsvOptions, lexopt::Error> {
    let delimiter = match value {
        "tab" | "\\t" => b'\t',
        one if one.len() == 1 && !"\"\r\n".contains(one) => one.as_bytes()[0],
        _ => return Err("--delimiter needs a single character, or tab".into()),
    };
    Ok(options.delimiter(delimiter))
}
