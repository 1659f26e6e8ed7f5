using System.Text.Json;

namespace Notify.Engine.Directory.Rules;

/// <summary>
/// A rule over a user's attributes: a lax SQL/JSON path predicate, a subset (the contract's "Rules"). Its parts evaluate as
/// Postgres 15 does (src/backend/utils/adt/jsonpath_exec.c), in three values; <see cref="JsonPath"/> is the same rule for Postgres.
/// </summary>
internal abstract record Rule
{
    private Rule()
    {
    }

    /// <summary>True, false, or null for unknown.</summary>
    public abstract bool? Evaluate(JsonElement attributes);

    /// <summary>The first keys of its paths: a change of other attributes does not change its value.</summary>
    public IReadOnlySet<string> Attributes
    {
        get
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var part in Parts())
            {
                if (part.PathOf() is { } path) names.Add(path.Keys[0]);
            }

            return names;
        }
    }

    /// <summary>Itself and everything below it.</summary>
    public IEnumerable<Rule> Parts() => Below().SelectMany(part => part.Parts()).Prepend(this);

    /// <summary>The parts that it is made of; none for a comparison.</summary>
    public virtual IReadOnlyList<Rule> Below() => [];

    private AttributePath? PathOf() => this switch
    {
        Comparison comparison => comparison.Path,
        StartsWith starts => starts.Path,
        Exists exists => exists.Path,
        _ => null,
    };

    /// <summary><c>||</c>: true wins over unknown, unknown over false.</summary>
    public sealed record Or(IReadOnlyList<Rule> Any) : Rule
    {
        public override bool? Evaluate(JsonElement attributes)
        {
            bool? value = false;
            foreach (var rule in Any)
            {
                var one = rule.Evaluate(attributes);
                if (one == true) return true;
                value = one is null ? null : value;
            }

            return value;
        }

        public override IReadOnlyList<Rule> Below() => Any;
    }

    /// <summary><c>&amp;&amp;</c>: false wins over unknown, unknown over true.</summary>
    public sealed record And(IReadOnlyList<Rule> All) : Rule
    {
        public override bool? Evaluate(JsonElement attributes)
        {
            bool? value = true;
            foreach (var rule in All)
            {
                var one = rule.Evaluate(attributes);
                if (one == false) return false;
                value = one is null ? null : value;
            }

            return value;
        }

        public override IReadOnlyList<Rule> Below() => All;
    }

    /// <summary><c>!</c>: unknown negated is unknown.</summary>
    public sealed record Not(Rule Negated) : Rule
    {
        public override bool? Evaluate(JsonElement attributes) => !Negated.Evaluate(attributes);

        public override IReadOnlyList<Rule> Below() => [Negated];
    }

    /// <summary>One of the six comparisons of a path's values with a literal: true when one of the values satisfies it.</summary>
    public sealed record Comparison(AttributePath Path, ComparisonOperator Operator, Literal Literal) : Rule
    {
        public override bool? Evaluate(JsonElement attributes) => Path.AnyValue(attributes, value => Literal.Compare(value, Operator));
    }

    /// <summary>Whether one of a path's values is a string that begins with another, byte by byte.</summary>
    public sealed record StartsWith(AttributePath Path, string Prefix) : Rule
    {
        public override bool? Evaluate(JsonElement attributes) => Path.AnyValue(
            attributes, value => value.ValueKind == JsonValueKind.String ? value.GetString()!.StartsWith(Prefix, StringComparison.Ordinal) : null);
    }

    /// <summary>Whether a path leads to anything, <c>null</c> included.</summary>
    public sealed record Exists(AttributePath Path) : Rule
    {
        public override bool? Evaluate(JsonElement attributes) => Path.Find(attributes).Any();
    }
}

/// <summary>The operators of <see cref="Rule.Comparison"/>.</summary>
internal enum ComparisonOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
