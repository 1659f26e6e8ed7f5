using System.Text.Json;

namespace Notify.Engine.Directory.Rules;

/// <summary>A path such as <c>@.self.temperature</c>, in lax mode.</summary>
/// <param name="Keys">At least one.</param>
internal sealed record AttributePath(IReadOnlyList<string> Keys)
{
    /// <summary>
    /// What the path leads to. Every step looks into one level of array: of an element that is an array itself, nothing is found
    /// (<c>executeItemUnwrapTargetArray</c>, which unwraps no further).
    /// </summary>
    public IEnumerable<JsonElement> Find(JsonElement attributes) => Find(attributes, 0);

    /// <summary>
    /// Three-valued "any" as in <c>executePredicate</c>, lax: the first true ends it, otherwise unknown wins over false. The
    /// values of an array are compared one by one; nothing found is false.
    /// </summary>
    public bool? AnyValue(JsonElement attributes, Func<JsonElement, bool?> satisfies)
    {
        bool? any = false;
        foreach (var found in Find(attributes))
        {
            if (found.ValueKind != JsonValueKind.Array)
            {
                var one = satisfies(found);
                if (one == true) return true;
                any = one is null ? null : any;
                continue;
            }

            foreach (var element in found.EnumerateArray())
            {
                var one = satisfies(element);
                if (one == true) return true;
                any = one is null ? null : any;
            }
        }

        return any;
    }

    private IEnumerable<JsonElement> Find(JsonElement target, int step)
    {
        if (step == Keys.Count) return [target];
        return target.ValueKind switch
        {
            JsonValueKind.Object => InObject(target, step),
            JsonValueKind.Array =>
                target.EnumerateArray().Where(element => element.ValueKind == JsonValueKind.Object).SelectMany(element => InObject(element, step)),
            _ => [],
        };
    }

    private IEnumerable<JsonElement> InObject(JsonElement target, int step) => target.TryGetProperty(Keys[step], out var value) ? Find(value, step + 1) : [];
}
