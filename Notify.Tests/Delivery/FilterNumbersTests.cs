using System.Text;
using CsCheck;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;

namespace Notify.Tests.Delivery;

/// <summary>What the index is made of, each against the plain collection that it stands for.</summary>
public class FilterNumbersTests
{
    private static readonly Gen<(int Holder, bool Joins)[]> Changes = Gen.Select(Gen.Int[1, 40], Gen.Bool).Array[0, 200];

    [Fact]
    public void The_holders_of_a_filter_are_those_that_joined_and_did_not_leave_few_or_many() =>
        Gen.Select(Changes, Changes).Sample((ofOne, ofTwo) =>
        {
            var lists = new HolderLists(new Pieces());
            lists.Reach(2);
            var (one, two) = (new HashSet<int>(), new HashSet<int>());
            for (var i = 0; i < Math.Max(ofOne.Length, ofTwo.Length); i++)
            {
                if (i < ofOne.Length) Change(1, one, ofOne[i]);
                if (i < ofTwo.Length) Change(2, two, ofTwo[i]);
            }

            Assert.Equal(one.Order(), HoldersOf(1));
            Assert.Equal(two.Order(), HoldersOf(2));
            Assert.Equal((one.Count, two.Count), (lists.CountOf(1), lists.CountOf(2)));

            void Change(int filter, HashSet<int> expected, (int Holder, bool Joins) change)
            {
                if (change.Joins && expected.Add(change.Holder)) lists.Add(filter, change.Holder);
                if (!change.Joins && expected.Remove(change.Holder)) lists.Remove(filter, change.Holder);
            }

            IEnumerable<int> HoldersOf(int filter) => lists.Of(filter).ToArray().Where(holder => holder > 0).Order();
        });

    [Fact]
    public void Ten_thousand_holders_come_and_all_but_one_go_again()
    {
        var lists = new HolderLists(new Pieces());
        lists.Reach(1);
        for (var holder = 1; holder <= 10_000; holder++) lists.Add(1, holder);
        Assert.Equal(Enumerable.Range(1, 10_000), lists.Of(1).ToArray().Where(holder => holder > 0).Order());
        for (var holder = 1; holder < 10_000; holder++) lists.Remove(1, holder);
        Assert.Equal([10_000], lists.Of(1).ToArray()); // in its row again
    }

    [Fact]
    public void A_filter_has_one_number_until_it_is_removed_and_says_what_it_was() =>
        Gen.Select(Gen.Int[0, 60], Gen.Bool).Array[0, 300].Sample(changes =>
        {
            var names = new FilterNames(new Pieces());
            var expected = new Dictionary<int, string>();
            foreach (var (text, adds) in changes.Select(change => (TextOf(change.Item1), change.Item2)))
            {
                var known = names.Find(Encoding.UTF8.GetBytes(text));
                Assert.Equal(expected.FirstOrDefault(pair => pair.Value == text).Key, known);
                if (adds && known == 0) expected.Add(names.Add(FilterOf(text), Encoding.UTF8.GetBytes(text)), text);
                if (adds || known == 0) continue;
                names.Remove(known);
                expected.Remove(known);
            }

            Assert.Equal(expected.Count, names.Count);
            Span<byte> room = stackalloc byte[TopicKey.Room];
            foreach (var (number, text) in expected)
            {
                Assert.Equal((text, FilterOf(text)), (names.Text(number), names.Filter(number)));
                Assert.Equal(FilterOf(text).IsExact, names.IsExact(number));
                foreach (var topic in new[] { text, "é/1/x", "$group/2" })
                {
                    var key = new TopicKey(topic, room);
                    Assert.Equal(FilterOf(text).Matches(topic), names.Matches(number, key));
                }
            }
        });

    [Fact]
    public void A_place_is_not_taken_twice_and_one_that_is_given_back_is_taken_again()
    {
        var pieces = new Pieces();
        var taken = new Dictionary<int, int>();
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            if (taken.Count > 0 && random.Next(2) == 0)
            {
                var (place, units) = taken.ElementAt(random.Next(taken.Count));
                Assert.All(pieces.At(place, units).ToArray(), unit => Assert.Equal(place, unit));
                taken.Remove(place);
                pieces.Give(place, units);
            }
            else
            {
                var units = random.Next(1, 130);
                var place = pieces.Take(units);
                Assert.True(place > 0);
                taken.Add(place, units);
                pieces.At(place, units).Fill(place);
            }
        }

        var (last, size) = taken.Last();
        pieces.Give(last, size);
        Assert.Equal(last, pieces.Take(size));
    }

    private static string TextOf(int number) => (number % 4) switch
    {
        0 => $"$group/{number}",
        1 => $"é/{number}/x",
        2 => $"é/{number}/+",
        _ => new string('a', number * 8) + "/#",
    };

    private static TopicFilter FilterOf(string text) => TopicFilter.TryParseAny(text, out var filter, out _) ? filter : throw new ArgumentException(text);
}
