//! Suggestions for a word that is not known.

/// The most words that are suggested.
const MAX_SUGGESTIONS: usize = 3;

/// `, did you mean x?`; empty if no known word is similar.
pub(super) fn did_you_mean<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    match similar(word, known).as_slice() {
        [] => String::new(),
        [one] => format!(", did you mean {one}?"),
        [many @ .., last] => format!(", did you mean {} or {last}?", many.join(", ")),
    }
}

/// The known words that `word` resembles, the most similar first: a few letters differ, or one holds the other.
pub(super) fn similar<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> Vec<&'w str> {
    let word = word.to_lowercase();
    let mut found: Vec<_> = known.filter_map(|known| Some((distance(&word, &known.to_lowercase())?, known))).collect();
    found.sort_unstable();
    found.dedup();
    // One letter is wrong more often than two.
    let best = found.first().map_or(0, |(distance, _)| *distance);
    found.into_iter().filter(|(distance, _)| *distance <= best + 1).take(MAX_SUGGESTIONS).map(|(_, known)| known).collect()
}

/// How far the words are from each other; `None` if they are not similar.
fn distance(word: &str, known: &str) -> Option<usize> {
    const SHORTEST_PART: usize = 3;
    let edits = edits(word, known);
    // A word of four letters with two other letters is another word.
    let most = 1 + word.chars().count() / 5;
    let is_part = word.len() >= SHORTEST_PART && known.contains(word) || known.len() > SHORTEST_PART && word.contains(known);
    (edits <= most).then_some(edits).or_else(|| is_part.then(|| most + known.len().abs_diff(word.len())))
}

/// The letters to insert, remove, replace or swap with their neighbour to get from one word to the other.
fn edits(one: &str, other: &str) -> usize {
    const LONGEST: usize = 64;
    let one: Vec<char> = one.chars().take(LONGEST).collect();
    let other: Vec<char> = other.chars().take(LONGEST).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// The words in a sentence: `a, b, c`.
pub(super) fn list<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_words_are_suggested_and_others_are_not() {
        let known = ["report", "classify", "explain", "patterns", "rate-limit"];
        let near = |word: &str| did_you_mean(word, known.into_iter());
        for (word, suggested) in
            [("reprot", "report"), ("Explian", "explain"), ("pattern", "patterns"), ("rate_limit", "rate-limit")]
        {
            assert_eq!(near(word), format!(", did you mean {suggested}?"), "{word}");
        }
        for word in ["zzz", "", "re", "app.log", "explosion"] {
            assert_eq!(near(word), "", "{word}");
        }
    }
}
