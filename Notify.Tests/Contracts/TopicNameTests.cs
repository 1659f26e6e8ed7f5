using System.Text;
using CsCheck;
using Notify.Contracts.Topics;

namespace Notify.Tests.Contracts;

public class TopicNameTests
{
    // Long runs are rare in random strings, so the limit gets its own generator: letters of 1, 2, 3 and 4 bytes.
    private static readonly Gen<string> NearTheLimit = Gen.OneOf("x", "é", "€", "🙂").Array[110, 520].Select(string.Concat);

    private static readonly Gen<string> AnyText = Gen.OneOf<string>(
        Gen.OneOf("a", "/", "$", "+", "#", "\0", "\u007f", "\u0085", "é", "🙂", "\ud83d", "\ude42", " ").Array[0, 6].Select(string.Concat),
        NearTheLimit);

    [Fact]
    public void A_topic_is_valid_by_the_contracts_rules_and_no_others() => AnyText.Sample(text =>
        Assert.Equal(IsText(text, 512) && !text.Contains('+') && !text.Contains('#') && !text.StartsWith('$'), TopicName.IsValid(text, out _)));

    [Fact]
    public void An_id_is_valid_by_the_contracts_rules_and_no_others() => AnyText.Sample(text =>
        Assert.Equal(
            IsText(text, 128) && !text.Contains('+') && !text.Contains('#') && !text.Contains('/') && !text.StartsWith('$')
                && text is not ("me" or "." or ".."),
            TopicName.IsValidId(text, "user id", out _)));

    [Fact]
    public void Every_valid_topic_is_a_filter_that_matches_exactly_itself() => Gen.Select(AnyText, AnyText)
        .Where((topic, _) => TopicName.IsValid(topic, out string? _))
        .Sample((topic, other) =>
        {
            Assert.True(TopicFilter.TryParse(topic, out var filter, out _));
            Assert.True(filter.IsExact);
            Assert.True(filter.Matches(topic));
            Assert.Equal(topic == other, filter.Matches(other));
        });

    [Theory]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData("orders//42")]
    [InlineData("orders/$42")]
    [InlineData("Größe/🙂")]
    public void Empty_segments_inner_dollars_and_any_script_are_fine(string topic) => Assert.True(TopicName.IsValid(topic, out _));

    [Fact]
    public void The_reserved_topics_are_the_ones_of_the_contract()
    {
        Assert.Equal("$user/alice", TopicName.OfUser("alice"));
        Assert.Equal("$group/ops", TopicName.OfGroup("ops"));
        Assert.True(TopicName.IsReserved("$anything"));
    }

    private static bool IsText(string text, int maxBytes)
    {
        try
        {
            var bytes = new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(text);
            return bytes >= 1 && bytes <= maxBytes && !text.Any(char.IsControl);
        }
        catch (EncoderFallbackException) // an unpaired surrogate
        {
            return false;
        }
    }
}
